"""Every command as a new user meets it: what goes wrong is one clear line that says what to do."""

import asyncio
import json
import re
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from probe.demo.fates import Fate, Rule, Step
from probe.demo.provider import Part
from probe.demo.scenarios import SCENARIOS
from probe.demo.world import World
from tests.demo.clients import read
from tests.e2e.lab_config import LabConfig
from tests.e2e.world_config import Done, WorldConfig, mailprobe
from tests.lab.certs import Certificate
from tests.lab.world import Lab

pytestmark = pytest.mark.timeout(150)  # whole processes, on a machine that may be busy

EVERY_KEY_OF_A_PROBE = {
    "id", "sender", "recipient", "sender_provider", "recipient_provider", "submitted_at",
    "outcome", "final", "delivery_seconds", "estimated", "folder", "reason", "side",
    "confidence", "component", "confirming",
}  # fmt: skip


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    directory = tmp_path / "world"
    directory.mkdir()
    async with World.open(directory=directory) as world:
        yield world


@pytest.fixture
def config(world: World, tmp_path: Path) -> WorldConfig:
    return WorldConfig(world, tmp_path)


def lines_about(name: str, done: Done) -> list[str]:
    """What was said of a mailbox below the table."""
    found = []
    for line in done.out.splitlines():
        names, colon, what = line.partition(": ")
        if colon and name in names.split(", "):
            found.append(what)
    return found


def assert_orderly(done: Done, config: WorldConfig) -> None:
    """No traceback, no log line, no secret; nothing but what a person needs."""
    everything = done.out + done.err
    assert "Traceback" not in everything
    assert "socket.send" not in everything
    assert not re.search(r"\d\d:\d\d:\d\d", done.err), done.err
    assert not [secret for secret in config.secrets if secret in everything]


@contextmanager
def own_temporary_directory(directory: Path) -> Iterator[dict[str, str]]:
    """The environment of a command that must leave nothing behind."""
    directory.mkdir()
    yield {"TMPDIR": str(directory)}
    assert list(directory.iterdir()) == []


async def leftovers(world: World) -> list[str]:
    """Messages in any folder of any mailbox."""
    found = []
    for box in world.mailboxes:
        vendor = world.providers[box.mailbox.provider].vendor
        for folder in ("INBOX", vendor.junk, vendor.sent):
            messages = await read(box, folder)
            found += [f"{box.mailbox.id} {folder}: {m['Subject']}" for m in messages]
    return found


# --- before anything is sent -----------------------------------------------------------------


async def test_help_names_every_command_and_each_has_help_of_its_own() -> None:
    done = await mailprobe("--help")

    commands = re.findall(r"^  ([a-z]+) ", done.out.partition("Commands:")[2], re.MULTILINE)
    assert {"check", "demo", "once", "providers", "run", "schema"} <= set(commands)
    assert "..." not in done.out.partition("Commands:")[2]
    helps = await asyncio.gather(*(mailprobe(command, "--help") for command in commands))
    assert {done.status for done in helps} == {0}
    assert all(f"mailprobe {name}" in done.out for name, done in zip(commands, helps, strict=True))


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["run", "nowhere.yml"],
         "nowhere.yml: cannot read the config: No such file or directory: check the path"),
        (["check", "."], ".: cannot read the config: Is a directory: name the file in it"),
        (["demo", "--scenario", "nope"],
         f"there is no scenario 'nope'; there are: {', '.join(SCENARIOS)}"),
        (["demo", "--for", "soon"],
         "--for: 'soon' is not a duration: write it with its unit, as 30s, 5m, 1h30m or 90d"),
    ],
)  # fmt: skip
async def test_a_slip_on_the_command_line_is_one_line_and_status_2(
    arguments: list[str], line: str, tmp_path: Path
) -> None:
    assert await mailprobe(*arguments, directory=tmp_path) == Done(2, "", f"{line}\n")


async def test_the_schema_is_json_that_describes_the_config() -> None:
    done = await mailprobe("schema")

    assert done.status == 0
    assert "mailboxes" in json.loads(done.out)["properties"]


async def test_the_scenarios_are_listed_with_their_titles() -> None:
    done = await mailprobe("demo", "--list")

    assert [line.split()[0] for line in done.out.splitlines()] == list(SCENARIOS)
    assert all(scenario.title in done.out for scenario in SCENARIOS.values())


async def test_a_good_config_is_told_to_be_good_with_what_it_asks_for(config: WorldConfig) -> None:
    config.document["defaults"]["interval"] = "15m"
    config.password("harbor-a").chmod(0o604)
    config.mailbox("bluepost-a")["provider"] = "microsoft365"

    done = await config.run("check", environ={"COLUMNS": "80"})

    assert done.status == 0
    assert "is good: 6 mailboxes at 4 providers" in done.out
    assert "warning: " in done.out
    assert "chmod o-r" in done.out
    assert "warning: bluepost-a: Microsoft 365" in done.out
    assert "mailprobe check --live" in done.out
    assert all(box["id"] in done.out for box in config.mailboxes)
    assert_orderly(done, config)


async def test_a_broken_config_tells_every_problem_with_its_place(config: WorldConfig) -> None:
    config.mailbox("northmail-a")["smtp"]["port"] = 70000
    config.mailbox("bluepost-a")["auth"] = {"password": "secret in clear"}
    config.mailbox("harbor-a")["colour"] = "blue"

    done = await config.run("run")

    assert done.status == 2
    lines = done.err.splitlines()
    assert len(lines) == 3
    assert all(re.match(r"\S+mailprobe\.yml:\d+:\d+: mailboxes\.\d\.\S+: ", at) for at in lines)
    assert "secret in clear" not in done.err
    assert_orderly(done, config)


async def test_what_is_not_in_the_config_cannot_be_asked_for(config: WorldConfig) -> None:
    known = ", ".join(box["id"] for box in config.mailboxes)
    no_mailbox = f"there is no mailbox 'nope' in {config.write()}; there are: {known}\n"

    checked, tripped, unrouted = await asyncio.gather(
        config.run("check", "--live", "--mailbox", "nope"),
        config.run("once", "--to", "nope"),
        config.run("once", "--from", "northmail-a", "--to", "northmail-b"),
    )

    assert checked == Done(2, "", no_mailbox)
    assert tripped == Done(2, "", no_mailbox)
    assert unrouted.status == 2
    assert unrouted.err.startswith("the config has no route from northmail-a to northmail-b: add")


# --- check --live ------------------------------------------------------------------------------


async def test_good_mailboxes_pass_and_nothing_is_left_in_them(
    config: WorldConfig, world: World, tmp_path: Path
) -> None:
    with own_temporary_directory(tmp_path / "tmp") as environ:
        done = await config.run("check", "--live", environ={"COLUMNS": "80", **environ})

    assert done.status == 0, done
    assert done.out.count("✓") == 6
    assert "All is well. Next: `mailprobe run" in done.out
    assert "…" not in done.out  # nothing is cut in a narrow terminal
    assert done.err == ""
    assert_orderly(done, config)
    await world.settled()
    assert await leftovers(world) == []


async def test_check_as_json_holds_what_was_measured(config: WorldConfig) -> None:
    done = await config.run("check", "--live", "--mailbox", "bluepost-a", "--json")

    (row,) = json.loads(done.out)["mailboxes"]
    assert row["mailbox"] == "bluepost-a"
    assert (row["inbox"], row["junk"], row["sent"]) == ("INBOX", "Spam", "accepted")
    assert 0 < row["seen_after"] < 60
    assert row["certificate_days"] == {"smtp": 29, "imap": 29}
    assert row["problems"] == []


async def test_each_wrong_setting_has_one_line_that_says_what_to_do(config: WorldConfig) -> None:
    config.password("northmail-a").write_text("not the right one")
    config.mailbox("northmail-b")["smtp"]["port"] = 9  # nobody listens
    for protocol in ("smtp", "imap"):
        config.mailbox("bluepost-a")[protocol] |= {"tls": "starttls", "timeout": "2s"}
        config.mailbox("harbor-a")[protocol]["tls"] = "implicit"
    config.mailbox("bluepost-b")["imap"]["junk"] = "Nowhere"
    config.mailbox("harbor-b")["imap"]["host"] = "imap.nowhere.invalid"

    done = await config.run("check", "--live")

    assert done.status == 1
    assert done.out.count("✗") == 6
    (password,) = lines_about("northmail-a", done)
    assert password.startswith("the login as a@northmail.test is refused (IMAP: 127.0.0.1 port ")
    assert "says 535 5.7.8 Error: authentication failed" in password
    assert password.endswith(
        "check auth.username and the password; "
        "with two-step sign-in most providers want an app password"
    )
    assert lines_about("northmail-b", done) == [
        (
            "SMTP: 127.0.0.1 port 9 refuses connections: check the port "
            "(127.0.0.1: connection refused); if it is right, the server is down"
        )
    ]
    imap, smtp = lines_about("bluepost-a", done)
    assert re.fullmatch(r"IMAP: .* no greeting within 2 s.* set tls: implicit", imap)
    assert re.fullmatch(r"SMTP: .* gave no answer within 2 s .* set tls: implicit", smtp)
    (junk,) = lines_about("bluepost-b", done)
    assert junk == (
        "IMAP: there is no folder 'Nowhere'; there are: 'INBOX', 'Spam', 'Sent Mail': "
        "set imap.junk to the right one, or to none if there is none"
    )
    for line in lines_about("harbor-a", done):
        assert line.endswith(
            "does not speak TLS from the first octet: check the port, or set tls: starttls"
        )
    (unknown,) = lines_about("harbor-b", done)
    # Without a name server, as in the lab's network, the system cannot tell the two apart.
    assert re.fullmatch(
        r"IMAP: imap\.nowhere\.invalid (does not resolve: check the host name"
        r"|cannot be resolved now: check this machine's DNS \(.+\))",
        unknown,
    )
    assert "not the right one" not in done.out
    assert_orderly(done, config)


async def test_what_the_providers_refuse_is_told_in_their_words(
    config: WorldConfig, world: World
) -> None:
    for protocol in ("smtp", "imap"):
        del config.mailbox("northmail-a")[protocol]["ca_file"]
        config.mailbox("northmail-b")[protocol]["ca_file"] = "northmail-a.password"
    no_sender = "550 5.7.60 SMTP; Client does not have permissions to send as this sender"
    for rule in (
        Rule(fate=Fate.REFUSE, at=Step.MAIL, from_address="a@bluepost.test", reply=no_sender),
        Rule(fate=Fate.REFUSE, at=Step.RCPT, to_address="b@bluepost.test",
             reply="450 4.2.1 try again later"),
        Rule(fate=Fate.JUNK, to_address="a@harbor.test"),
        Rule(fate=Fate.REFUSE, from_address="b@harbor.test"),
    ):  # fmt: skip
        world.fates.set(rule)

    done = await config.run("check", "--live")

    assert done.status == 1
    assert lines_about("northmail-a", done) == [
        (
            "IMAP and SMTP: the certificate of 127.0.0.1 is issued by an unknown authority: "
            "if that is meant, name its CA in ca_file"
        )
    ]
    (unusable,) = lines_about("northmail-b", done)
    assert unusable.startswith("IMAP and SMTP: ca_file ")
    assert unusable.endswith("cannot be used: it holds no certificate in PEM form")
    (sender,) = lines_about("bluepost-a", done)
    assert f"says {no_sender}: check that this account may send" in sender
    (passing,) = lines_about("bluepost-b", done)
    assert passing.endswith(
        "says 450 4.2.1 try again later: this may pass, try again in some minutes"
    )
    (junked,) = lines_about("harbor-a", done)
    assert junked.startswith("its message to itself arrived in the junk folder: mark it")
    (content,) = lines_about("harbor-b", done)
    assert "says 550 5.7.501 Access denied" in content
    assert_orderly(done, config)


async def test_an_outage_is_said_once_for_all_mailboxes_that_it_hits(
    config: WorldConfig, world: World
) -> None:
    await world.harbor.stop(Part.IMAP)
    await world.bluepost.stop(Part.SMTP)

    done = await config.run("check", "--live")

    assert done.status == 1
    assert done.out.count("✓") == 2
    harbor, bluepost = (
        next(line for line in done.out.splitlines() if line.startswith(names))
        for names in ("harbor-a, harbor-b: IMAP: ", "bluepost-a, bluepost-b: SMTP: ")
    )
    assert harbor.endswith("; if it is right, the server is down")
    assert bluepost.endswith("; if it is right, the server is down")
    assert_orderly(done, config)


async def test_a_refused_login_of_a_known_provider_names_its_kind_of_password(
    config: WorldConfig,
) -> None:
    names = {"northmail-a": "gmail", "bluepost-a": "microsoft365", "harbor-a": "att"}
    config.keep(*names)
    for name, provider in names.items():
        config.mailbox(name)["provider"] = provider
        config.password(name).write_text("not the right one")

    done = await config.run("check", "--live")

    (gmail,), (microsoft,), (att,) = (lines_about(name, done) for name in names)
    assert gmail.endswith("wants an app password, see `mailprobe providers gmail`")
    assert microsoft.endswith("takes OAuth only, which mailprobe cannot do yet")
    assert att.endswith("see `mailprobe providers att`")


async def test_bad_certificates_of_real_servers_are_named_with_who_must_mend_them(
    lab: Lab, tmp_path: Path
) -> None:
    config = LabConfig(lab, tmp_path)
    lab.alpha.show_certificate(Certificate.EXPIRED)
    lab.beta.show_certificate(Certificate.WRONG_NAME)
    lab.gamma.show_certificate(Certificate.FOREIGN)

    done = await mailprobe("check", str(config.write()), "--live")

    assert done.status == 1
    said = {name: lines_about(f"monitor-{name}", done) for name in ("alpha", "beta", "gamma")}
    assert all(re.search(r"expired.*its operator must renew it", line) for line in said["alpha"])
    assert all("check the host in the config" in line for line in said["beta"])
    assert all("name its CA in ca_file" in line for line in said["gamma"])
    assert all(1 <= len(lines) <= 2 for lines in said.values())


async def test_real_servers_pass_and_keep_nothing_of_ours(lab: Lab, tmp_path: Path) -> None:
    config = LabConfig(lab, tmp_path)

    checked = await mailprobe("check", str(config.write()), "--live")
    once = await mailprobe("once", str(config.write()))

    assert (checked.status, checked.out.count("✓")) == (0, 3), checked
    assert (once.status, once.out.count("  delivered after ")) == (0, 6), once
    assert [m for p in config.providers for m in p.maildir("monitor").messages()] == []


# --- once --------------------------------------------------------------------------------------


async def test_once_shows_the_way_of_each_message_and_leaves_nothing(
    config: WorldConfig, world: World, tmp_path: Path
) -> None:
    with own_temporary_directory(tmp_path / "tmp") as environ:
        done = await config.run("once", environ={"COLUMNS": "80", **environ})

    assert done.status == 0, done
    assert len(re.findall(r"^\S+ → \S+  delivered after \d", done.out, re.MULTILINE)) == 12
    assert done.out.count("250 2.0.0") >= 12  # the transcripts
    assert "hop: " in done.out
    assert done.err == ""
    assert_orderly(done, config)
    await world.settled()
    assert await leftovers(world) == []


async def test_once_that_is_told_to_stop_leaves_nothing_either(
    config: WorldConfig, world: World, tmp_path: Path
) -> None:
    hanging = world.fates.set(Rule(fate=Fate.HANG, at=Step.DATA, from_provider="northmail"))
    with own_temporary_directory(tmp_path / "tmp") as environ:
        async with asyncio.TaskGroup() as group:
            done = group.create_task(
                config.run(
                    "once", "--from", "northmail-a", stop=hanging.struck_once, environ=environ
                )
            )
        assert done.result() == Done(143, "", "")  # 128 + SIGTERM
    hanging.lift()


async def test_once_as_json_has_the_keys_of_the_api(config: WorldConfig) -> None:
    done = await config.run("once", "--from", "northmail-a", "--json")

    assert done.status == 0
    probes = json.loads(done.out)["probes"]
    assert {probe["recipient"] for probe in probes} == {"bluepost-a", "harbor-a"}
    for probe in probes:
        assert probe.keys() >= EVERY_KEY_OF_A_PROBE
        assert probe["outcome"] == "delivered"
        assert [event["event"] for event in probe["events"]] == ["accepted", "sighted"]
    assert_orderly(done, config)


async def test_once_tells_bounced_lost_refused_and_unsent_apart(
    config: WorldConfig, world: World, tmp_path: Path
) -> None:
    for box in config.mailboxes:
        box["imap"]["poll"] = "1s"
    config.document["defaults"] |= {"delayed_after": "2s", "lost_after": "4s"}
    config.mailbox("harbor-b")["smtp"]["port"] = 9
    config.document["routes"] = {
        "list": [
            {"from": "northmail-a", "to": "bluepost-a"},
            {"from": "northmail-a", "to": "harbor-a"},
            {"from": "bluepost-b", "to": "harbor-b"},
            {"from": "harbor-b", "to": "bluepost-b"},
        ]
    }
    for rule in (
        Rule(fate=Fate.BOUNCE, to_address="a@bluepost.test", reply="550 5.1.1 nobody here"),
        Rule(fate=Fate.DROP, to_address="a@harbor.test"),
        Rule(fate=Fate.REFUSE, from_address="b@bluepost.test"),
    ):
        world.fates.set(rule)

    done = await config.run("once")

    assert done.status == 1
    outcomes = re.findall(r"^(\S+ → \S+)  (\w+)", done.out, re.MULTILINE)
    assert dict(outcomes) == {
        "northmail-a → bluepost-a": "bounced",
        "northmail-a → harbor-a": "lost",
        "bluepost-b → harbor-b": "refused",
        "harbor-b → bluepost-b": "unsent",
    }
    assert "550 5.1.1 nobody here" in done.out
    assert_orderly(done, config)
    assert await leftovers(world) == []  # the bounce is tidied away, too


async def test_once_does_not_wait_for_what_it_cannot_see(
    config: WorldConfig, world: World
) -> None:
    config.document["defaults"] |= {"lost_after": "1h"}
    await world.harbor.stop(Part.IMAP)

    done = await config.run("once", "--to", "harbor-a", "--from", "northmail-a")

    assert done.status == 1
    assert "northmail-a → harbor-a  in flight" in done.out
    (why,) = lines_about("harbor-a", done)
    assert why.endswith("if it is right, the server is down")


async def test_once_gives_up_waiting_when_told_to_and_does_not_call_it_lost(
    config: WorldConfig, world: World
) -> None:
    config.document["defaults"] |= {"lost_after": "1h"}
    world.fates.set(Rule(fate=Fate.DROP))

    done = await config.run("once", "--from", "northmail-a", "--to", "harbor-a", "--wait", "1s")

    assert done.status == 1
    assert "northmail-a → harbor-a  in flight" in done.out
    (why,) = lines_about("harbor-a", done)
    assert why.startswith("not seen within 1s, and not given up")


# --- run ---------------------------------------------------------------------------------------


def no_directory(config: WorldConfig) -> str:
    config.document["journal"]["path"] = "nowhere/journal.db"
    return "journal.path: there is no directory .*nowhere: make it first"


def not_writable(config: WorldConfig) -> str:
    config.document["journal"]["path"] = "/sys/journal.db"  # closed to everybody, root included
    return "/sys/journal.db.key: Permission denied: .*let this user read and write it"


def not_a_journal(config: WorldConfig) -> str:
    (config.directory / "journal.db").write_text("Dear diary,\n" * 100)
    return "journal.db: damaged, or not a journal .*: move it away .*, or put back a copy"


def another_database(config: WorldConfig) -> str:
    with sqlite3.connect(config.directory / "journal.db") as database:
        database.execute("CREATE TABLE notes (id INTEGER)")
    database.close()
    return "journal.db: a database of another program: give the journal a path of its own"


def a_foreign_key(config: WorldConfig) -> str:
    (config.directory / "journal.db.key").write_text("not a key\n")
    return "journal.db.key: not a signing key: put the right file back, or remove it .*"


def foreign_address(config: WorldConfig) -> str:
    config.document["web"]["listen"] = "192.0.2.1:9925"
    return "web: cannot listen on 192.0.2.1 port 9925: .*; choose one that is \\(web.listen; .*"


@pytest.mark.parametrize(
    "broken",
    [no_directory, not_writable, not_a_journal, another_database, a_foreign_key, foreign_address],
)
async def test_run_ends_with_one_line_where_it_cannot_begin(
    broken: Callable[[WorldConfig], str], config: WorldConfig
) -> None:
    expected = broken(config)

    done = await config.run("run")

    assert done.status == 2
    assert re.fullmatch(rf"\S*?:? ?{expected}\n", done.err), done.err
    assert_orderly(done, config)


async def test_run_says_which_port_is_taken(config: WorldConfig) -> None:
    with socket.create_server(("127.0.0.1", config.port)):
        done = await config.run("run")

    assert done == Done(
        2,
        "",
        f"web: cannot listen on 127.0.0.1 port {config.port}: the port is taken; stop the other "
        "program or choose another port (web.listen; of the demo: --host, --port)\n",
    )
