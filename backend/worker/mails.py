"""The task that sends one mail; it may be sent twice if its worker dies between the server's yes and its record."""

from backend.outbox.mail import Mail
from backend.outbox.mailer import MailRefusedError
from backend.outbox.tasks import MAIL_QUEUE, MAIL_TASK
from backend.worker.app import Kind, Order


async def send(order: Order) -> None:
    """Send the mail of the payload. Raises MailRefusedError."""
    mail = Mail.from_payload(order.payload)
    try:
        await order.tools.mailer.send_once(mail)
    except MailRefusedError as error:
        order.tools.metrics.mails.labels(mail.kind, "failed" if error.for_good else "refused").inc()
        raise


KINDS = (Kind(MAIL_TASK, MAIL_QUEUE, send),)
