"""Messages to people, and what the clock brings: options that expire, reminders, the evening before.

Each minute one small shared table says which companies have something due; no other company is opened. A company's
part is done in one transaction: what fails comes back a minute later.
"""

from backend.notifications import attending, posting, writing
from backend.notifications.attending import AGENDA_QUEUE, RENEW_TASK
from backend.outbox.mailer import MailRefusedError
from backend.outbox.tasks import MAIL_QUEUE, defer
from backend.planning.notices import POST_QUEUE, POST_TASK
from backend.tenancy import agenda
from backend.tenancy.acting import Act, Actor
from backend.tenancy.migrations import serves
from backend.tenancy.models import CompanyStatus
from backend.tenancy.session import Database
from backend.worker.app import Kind, Order

ATTEND = "attend_company"
FILAGE = Actor(None, "Filage")


async def read_agenda(order: Order) -> None:
    """Add one task for each company that has something due this minute."""
    database, now = order.tools.database, order.tools.clock()
    async with database.shared() as session:
        for company_id, revision in await agenda.companies_due(session, now):
            if serves(revision):
                defer(session, ATTEND, {}, queue=AGENDA_QUEUE, company=company_id, unique="attend")


async def attend_company(order: Order) -> None:
    """Do what is due in one company."""
    async with order.tools.database.company(order.its_company) as session:
        await attending.attend(Act(session, order.its_company, FILAGE, order.tools.clock()))


async def renew_agendas(order: Order) -> None:
    """Add one task per active company, which enters what is to come: an import, a restored backup, an upgrade."""
    companies = await order.tools.directory.all()
    async with order.tools.database.shared() as session:
        for company in companies:
            if company.status is CompanyStatus.ACTIVE and serves(company.revision):
                defer(session, RENEW_TASK, {}, queue=AGENDA_QUEUE, company=company.id, unique="renew")


async def renew_agenda(order: Order) -> None:
    """Enter what is to come in one company."""
    async with order.tools.database.company(order.its_company) as session:
        await attending.renew(Act(session, order.its_company, FILAGE, order.tools.clock()))


async def post_messages(order: Order) -> None:
    """Make messages of what was noted, and hand over those that are due."""
    async with order.tools.database.company(order.its_company) as session:
        await posting.post(Act(session, order.its_company, FILAGE, order.tools.clock()))


async def send_message(order: Order) -> None:
    """Send one mail, and log what became of its messages. Raises MailRefusedError, to be tried again."""
    tools, messages = order.tools, posting.messages_of(order.payload)
    database: Database = tools.database
    async with database.company(order.its_company) as session:
        act = Act(session, order.its_company, FILAGE, tools.clock())
        mail = await writing.compose(act, messages, tools.settings.public_url)
    if mail is None:
        return
    try:
        await tools.mailer.send_once(mail)
    except MailRefusedError as error:
        if error.for_good or order.is_last_try:
            async with database.company(order.its_company) as session:
                act = Act(session, order.its_company, FILAGE, tools.clock())
                await writing.log_failure(act, messages, error.reason)
        tools.metrics.mails.labels(mail.kind, "failed" if error.for_good else "refused").inc()
        raise
    async with database.company(order.its_company) as session:
        await writing.log_sent(Act(session, order.its_company, FILAGE, tools.clock()), messages)


KINDS = (
    Kind("read_agenda", AGENDA_QUEUE, read_agenda, cron="* * * * *"),
    Kind("renew_agendas", AGENDA_QUEUE, renew_agendas, cron="47 3 * * *"),
    Kind(ATTEND, AGENDA_QUEUE, attend_company),
    Kind(RENEW_TASK, AGENDA_QUEUE, renew_agenda),
    Kind(POST_TASK, POST_QUEUE, post_messages),
    Kind(posting.MESSAGE_TASK, MAIL_QUEUE, send_message),
)
