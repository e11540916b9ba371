"""The fixtures of the final service, of the site and of the lab."""

from kit.built_site import *  # noqa: F403
from kit.containers import *  # noqa: F403
from kit.lab_reader import *  # noqa: F403
from kit.service import *  # noqa: F403
