"""What a campaign has shown: the account of every probe, and all that is wrong."""

from collections import Counter

from probe.journal.identity import load
from tests.crash import foreign
from tests.crash.account import Account, settle
from tests.crash.campaign import USERS, Campaign
from tests.crash.servers import ask
from tests.lab.world import Lab


def judge(lab: Lab, run: Campaign, theirs: Counter[bytes]) -> tuple[Account, dict[str, object]]:
    """After the finish: the account, and what is wrong by its name."""
    signer = load(run.journal)
    assert signer is not None
    servers = ask(lab, signer, USERS)
    account = settle(run.journal, servers)
    wrongs: dict[str, object] = dict(account.wrongs)
    if fell := [(this.moment, this.fell_back) for this in run.rounds if this.fell_back]:
        wrongs["counters went down"] = fell
    if not foreign.untouched(theirs, servers):
        wrongs["other people's mail"] = "was changed"
    if "Traceback" in (log := run.scene.daemon.log.read_text()):
        wrongs["traceback"] = log[log.index("Traceback") :][:2000]
    return account, wrongs
