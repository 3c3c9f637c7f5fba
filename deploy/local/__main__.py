"""`python -m deploy.local <command>`: what stands behind the recipes of the justfile."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from nats.errors import Error as NatsError
from rich.console import Console

from deploy.local import broker, commands, doctor
from deploy.local.environment import local_settings
from deploy.local.programs import StartError
from deploy.local.state import ROOT, AlreadyRunning, StateFolder
from libs.settings import SettingsError

_PASSING_ON = ("psql", "nats", "events")


def main(arguments: Sequence[str]) -> int:
    """Runs one command and returns its exit code."""
    own, foreign = _split(arguments)
    chosen = _parser().parse_args(own)
    chosen.arguments = foreign
    state = StateFolder(chosen.folder.resolve())
    console = Console()
    try:
        return _COMMANDS[chosen.command](chosen, state, console)
    except (AlreadyRunning, StartError, SettingsError) as error:
        console.print(str(error), markup=False, highlight=False, soft_wrap=True)
    except (OSError, NatsError) as error:
        if chosen.command != "nats":
            raise
        console.print(f"no broker answers: {error}", markup=False)
    return 1


def _split(arguments: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """What follows `psql`, `nats` or `events` is theirs, options included."""
    end = next((place + 1 for place, word in enumerate(arguments) if word in _PASSING_ON), len(arguments))
    return arguments[:end], arguments[end:]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description="The stack on this machine.")
    parser.add_argument("--folder", type=Path, default=ROOT / ".wiyata", help="state folder")
    names = parser.add_subparsers(dest="command", required=True)
    for name in ("up", "start", "down", "status", "doctor", "migrate", "seed", "accounts", *_PASSING_ON):
        names.add_parser(name)
    logs = names.add_parser("logs")
    logs.add_argument("name", nargs="?")
    logs.add_argument("-f", "--follow", action="store_true")
    names.add_parser("reset").add_argument("--yes", action="store_true", help="does not ask")
    return parser


_COMMANDS: dict[str, Callable[[argparse.Namespace, StateFolder, Console], int]] = {
    "up": lambda _, state, console: commands.up(state, console),
    "start": lambda _, state, console: commands.start(state, console),
    "down": lambda _, state, console: commands.down(state, console),
    "status": lambda _, state, console: commands.status(state, console),
    "logs": lambda chosen, state, console: commands.logs(state, console, chosen.name, follow=chosen.follow),
    "reset": lambda chosen, state, console: commands.reset(state, console, sure=chosen.yes),
    "psql": lambda chosen, state, _: commands.psql(state, chosen.arguments),
    "nats": lambda chosen, state, console: broker.main(local_settings(state).nats_url, chosen.arguments, console),
    "doctor": lambda _, state, console: doctor.report(local_settings(state), state, console),
    "events": lambda chosen, state, _: commands.events(state, chosen.arguments),
    "migrate": lambda _, state, __: commands.run_once(state, "migrate"),
    "seed": lambda _, state, __: commands.run_once(state, "seed"),
    "accounts": lambda _, state, __: commands.accounts(state),
}


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
