"""What the site needs beyond mkdocs: all that a lesson shows comes from the stages, or is run and compared.

Notes for authors. A page is `docs/en/<page>.md` and `docs/ko/<page>.md`: the same blocks in the same order,
the same fences and directives, and headings with the same `{#id}`. A directive stands on a line of its own:

    <!-- stage: 02 -->                  what transcripts from here on are run against; 06 step 2 too
    <!-- code: chapters/02_factory_and_config/app/models.py#Account.to_dict hl="text of a line" -->
    <!-- code: chapters/02_factory_and_config/config.py -->         without #, the whole file
    <!-- code: chapters/07_continuous_integration/.github/workflows/ci.yml#jobs.tests -->   a key of YAML
    <!-- diff: 01 02 -->                what stage 02 changed; for one file, <!-- diff: 01 02 app/v2.py -->
    <!-- diff: docs/examples/a.py docs/examples/b.py -->         or from one file to another
    <!-- tree: 02 -->                   its files; the comments are in docs/trees.toml
    <!-- figure: blueprint-tree -->     docs/figures/blueprint-tree.svg, whose texts are {{en|ko}}
    <!-- stages -->                     the map of the course, drawn from chapters/stages.toml
    <!-- lab: 03 -->                    the button that opens the lab, where it can be built
    <!-- slides -->                 the deck of this chapter, elsewhere a list of all decks
    <!-- superseded -->                 what final does differently, by the tests; docs/superseded.toml
    <!-- glossary -->                  the words of docs/glossary.toml, each linked to where it is taught
    <!-- promises: tokens -->          what final promises, and by which test: docs/promises.toml
    <!-- score: numbers -->             what the suite notices: docs/score.toml; or survivors, equivalent
    <!-- include: benchmarks/login -->  docs/benchmarks/login.en.md, which another program wrote

Transcripts are fences. Write the request or the commands, then let `python3 -m course.site update` record:

    ```http                             headers may follow the request line; JSON says so by itself
    POST /v2/accounts                   {{access_token}} is that field of the last answer that had one
    {"email": "mina@example.com"}       `http fresh` begins with an empty service, otherwise state goes on
    ---
    HTTP/1.1 400 BAD REQUEST            of the headers, those that are already here are recorded
    ```

    ```console                          flask, python, pytest and nox run in a copy of the stage,
                                        and `python ../../docs/examples/<name>.py` too;
    $ FLASK_PAGE_SIZE=50 flask routes   a line `...` in the output stands for any lines;
    [exit 1]                            `console typed="secret"` answers a prompt
    ```                                 `console needs="redis"`, or quart: run where that is, else left alone

    ```console                          on a page without a stage, only examples are run,
    $ python docs/examples/<name>.py    as from the folder of the course
    ```

    ```console course                   shown, not run, so without output: `flask run`, `cd`,
    $ python3 -m course up              `git clone`, and commands of the course, which must exist
    ```

No other fence is allowed. When both languages say the same again: `python3 -m course.site pair <page>`.
"""
