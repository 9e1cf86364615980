"""All commands under one roof."""

import typer

from evenstride_gateway.cli import accuracy, analyze, demo, pods, report, run, sessions

_EPILOG = (
    "Exit codes: 0 done, 2 wrong usage, 3 input that cannot be used, 4 wrong setting or port in use, 5 store, "
    "6 Bluetooth or pod, 7 other, 130 interrupted."
)

app = typer.Typer(
    name="evenstride",
    help="How long each foot stays on the ground, how hard each leg hits, and whether the difference is real.",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("run")(run.run)
app.add_typer(pods.app, name="pods")
app.command("analyze")(analyze.analyze)
app.command("import")(analyze.import_recording)
app.command("accuracy")(accuracy.accuracy)
app.add_typer(sessions.app, name="sessions")
app.command("report")(report.report)
