"""How fast this service is beside its peers, in one run on one machine: `python -m benchmarks`, from final/.

Standard library only, on Linux. Every contender is a folder, `ours/` and `peers/NAME/`: a `peer.toml` that
says how it is started and spoken to, `app.py`, and its packages locked in `requirements.txt`. What is claimed
are ratios; an absolute time is of this machine, at that minute, and of no other.
"""
