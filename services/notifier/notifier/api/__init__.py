"""What a student is told: notifications, and the WebSocket that tells every open tab at once.

`POST /ws/ticket` with an access token, then a WebSocket to `/ws?ticket=…`. It only listens: each frame is JSON, `{"type", "id", "time",
"data"}`, and the same news has the same `id` in every tab. `hello` comes first (`newest`: the number of the newest notification, `unread`),
then `document.uploaded`, `.progressed`, `.processed`, `.failed`, `.deleted`, `chat.message.asked` (an answer is being
written, which `GET /chat/messages/{message_id}/stream` follows), `chat.message`, `notification`, `notification.withdrawn` (`id`: of one that stands in the list no more, `unread`: how many are left); `resync` means that something may
have been missed: fetch what you show. After a break, `&after=` the `number` of the last notification that you know brings those that came
since, in their order: of more than a hundred the newest, behind a `resync`. What was withdrawn meanwhile is only
missing from `GET /notifications`. Closed with 4008 means that you read too slowly, with 1012 or 1001 that the server goes away, with 1008 that the session ended:
reconnect with a new ticket, later each time.
"""

from chassis.personal_data import export_router

from notifier.api import local_mail, notifications, sockets, unsubscribe

# The literal path of `unsubscribe` goes before the parameter of `notifications`.
routers = (sockets.router, unsubscribe.router, notifications.router, local_mail.router, export_router("notifier"))
