"""The words of messages to a person, in each language; and in Russian, what a code means and what to do.

okdrop's own words for an error are English (`okdrop.errors`); in Russian those codes are put into words here
that a person is likely to meet. Any other is told in English, with its code, which docs/errors.md explains.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from okdrop.config.notify import Language

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENGLISH: Final = {
    "published_title": "okdrop: published",
    "published": "“{name}” is on OK.ru.",
    "published_count": "published",
    "confirmed_title": "okdrop: processed",
    "confirmed": "OK.ru processed “{name}”.",
    "confirmed_count": "processed",
    "moved_title": "okdrop: moved",
    "moved": "“{name}” was moved to {moved_to}.",
    "moved_count": "moved",
    "failed_title": "okdrop: a video failed",
    "failed": "“{name}” was not published: {what}.",
    "failed_count": "failed",
    "refused_title": "okdrop: OK.ru refused a video",
    "refused": "“{name}” was published, and refused afterwards: {what}.",
    "refused_count": "refused",
    "halted_title": "okdrop: everything waits",
    "halted": "Nothing is sent: {what}.",
    "halted_more": "Nothing is lost: it goes on by itself once that is mended.",
    "halted_count": "halted",
    "folder_missing_title": "okdrop: a folder is missing",
    "folder_missing": "{what}.",
    "folder_missing_more": "Nothing is lost: the folder is waited for.",
    "folder_missing_count": "folder missing",
    "disk_low_title": "okdrop: little space is left",
    "disk_low": "Little space is left where {path} lies: {what}.",
    "disk_low_count": "little space",
    "recovered_title": "okdrop: well again",
    "recovered_halted": "Uploads go on: what they waited for is mended.",
    "recovered_folder_missing": "{path} is there again.",
    "recovered_disk_low": "There is room again where {path} lies: {what}.",
    "recovered_count": "well again",
    "account": "Account: {account}",
    "todo": "What to do: {hint}.",
    "retry": "Then: okdrop retry {id}",
    "file": "File: {path}",
    "several_title": "okdrop: {count} things happened",
    "more": "… and {count} more; okdrop status lists uploads.",
    "trial_title": "okdrop: a trial",
    "trial": "Messages of okdrop arrive here.",
}

_RUSSIAN: Final = {
    "published_title": "okdrop: опубликовано",
    "published": "«{name}» — на OK.ru.",
    "published_count": "опубликовано",
    "confirmed_title": "okdrop: обработано",
    "confirmed": "OK.ru обработал «{name}».",
    "confirmed_count": "обработано",
    "moved_title": "okdrop: перемещено",
    "moved": "«{name}» — файл перемещён: {moved_to}",
    "moved_count": "перемещено",
    "failed_title": "okdrop: видео не опубликовано",
    "failed": "«{name}» не опубликовано: {what}.",
    "failed_count": "не опубликовано",
    "refused_title": "okdrop: OK.ru отклонил видео",
    "refused": "«{name}» было опубликовано, но затем отклонено: {what}.",
    "refused_count": "отклонено",
    "halted_title": "okdrop: всё остановлено",
    "halted": "Ничего не отправляется: {what}.",
    "halted_more": "Ничего не потеряно: когда это исправят, всё продолжится само.",
    "halted_count": "остановлено",
    "folder_missing_title": "okdrop: папка недоступна",
    "folder_missing": "{path}: {what}.",
    "folder_missing_more": "Ничего не потеряно: okdrop ждёт, пока папка появится.",
    "folder_missing_count": "папка недоступна",
    "disk_low_title": "okdrop: мало места",
    "disk_low": "На диске, где лежит {path}, мало места: {what}.",
    "disk_low_count": "мало места",
    "recovered_title": "okdrop: снова в порядке",
    "recovered_halted": "Отправка продолжается: причина остановки устранена.",
    "recovered_folder_missing": "Папка {path} снова на месте.",
    "recovered_disk_low": "На диске, где лежит {path}, снова есть место: {what}.",
    "recovered_count": "снова в порядке",
    "account": "Аккаунт: {account}",
    "todo": "Что делать: {hint}.",
    "retry": "Затем: okdrop retry {id}",
    "file": "Файл: {path}",
    "several_title": "okdrop: событий — {count}",
    "more": "… и ещё {count}; список покажет okdrop status.",
    "trial_title": "okdrop: проверка",
    "trial": "Сообщения okdrop приходят сюда.",
}

PHRASES: Final[Mapping[Language, Mapping[str, str]]] = {
    Language.ENGLISH: _ENGLISH,
    Language.RUSSIAN: _RUSSIAN,
}
"""By their names; what stands in braces is filled in."""

_TO_RENEW: Final = "получите новый токен и запишите его в ok.access_token"

IN_RUSSIAN: Final[Mapping[str, tuple[str, str]]] = {
    "file_not_whole": (
        "файл не целый: запись оборвалась или копия не дописана",
        "положите на его место исправленный файл",
    ),
    "file_not_as_promised": (
        "файл не тот, что обещан в манифесте",
        "положите верный файл или исправьте манифест",
    ),
    "file_too_small": ("файл меньше 16 КиБ", "если запись оборвалась, удалите файл"),
    "file_too_large": ("файл слишком большой", "разрежьте видео или закодируйте его плотнее"),
    "bad_format": ("OK не принимает этот формат", "перекодируйте файл, например в MP4"),
    "dvd_menu": ("это меню DVD", "отправьте сам фильм"),
    "bad_file": ("OK не принимает файл", "проверьте имя, размер и формат"),
    "source_gone": ("файл исчез раньше, чем был отправлен целиком", "верните файл, если так не задумано"),
    "source_unreadable": ("у okdrop нет прав читать файл", "исправьте права доступа"),
    "source_read": ("файл не читается", "проверьте диск"),
    "sidecar_broken": ("файл с описанием рядом с видео не понять", "исправьте его или уберите"),
    "metadata_template": ("шаблон названия не подходит к этому файлу", "исправьте шаблоны папки"),
    "metadata_group": (
        "шаблон group_id даёт для этого файла не номер группы",
        "перенесите файл в нужную папку или исправьте group_id",
    ),
    "text_refused": (
        "OK не принимает название, описание или теги",
        "измените их; сам файл отправлен и повторно не пойдёт",
    ),
    "ticket_expired": (
        "закачка прерывалась слишком часто",
        "проверьте связь: okdrop show покажет, что мешало",
    ),
    "resend_limit": (
        "сервер OK теряет отправленное, и лимит повторов исчерпан",
        "проверьте, что стоит на пути к OK",
    ),
    "upload_host_refused": (
        "OK назвал сервер загрузки, которого нет в ok.upload_hosts",
        "убедитесь, что сервер принадлежит OK, и добавьте его",
    ),
    "video_error": ("OK не смог обработать видео", "проверьте, что файл проигрывается до конца"),
    "video_blocked": ("OK заблокировал видео", "посмотрите на него на ok.ru"),
    "video_censored": ("видео не прошло модерацию OK", "посмотрите на него на ok.ru"),
    "video_copyright": ("OK ограничил видео из-за авторских прав", "посмотрите на него на ok.ru"),
    "video_unclear": ("OK не говорит, что стало с видео", "посмотрите на ok.ru, есть ли оно там"),
    "credentials_missing": (
        "не настроен ключ приложения, токен или секретный ключ",
        "задайте их в конфигурации",
    ),
    "account_missing": (
        "аккаунта больше нет в конфигурации",
        "верните его в конфигурацию и перезапустите okdrop",
    ),
    "api_9": ("OK заблокировал адрес этой машины", "обратитесь в поддержку OK"),
    "api_10": (
        "приложению или пользователю это не разрешено",
        "проверьте разрешение VIDEO_CONTENT и права в группе",
    ),
    "api_22": ("пользователь не активирован", "активируйте аккаунт на ok.ru"),
    "api_23": ("пользователь не подключил приложение", _TO_RENEW),
    "api_24": ("пользователь — не владелец", "возьмите токен владельца"),
    "api_50": (
        "пользователь — не администратор группы",
        "сделайте его администратором или измените group_id",
    ),
    "api_101": ("неверный ключ приложения", "проверьте ok.application_key"),
    "api_102": ("срок действия токена истёк", _TO_RENEW),
    "api_103": ("токен недействителен", _TO_RENEW),
    "api_104": ("неверная подпись", "проверьте ok.application_secret_key и ok.session_secret_key"),
    "api_200": (
        "приложению не хватает разрешения",
        "попросите у поддержки OK VIDEO_CONTENT и войдите заново",
    ),
    "api_210": ("приложение отключено", "посмотрите на страницу приложения на ok.ru"),
    "api_401": ("OK просит войти заново", _TO_RENEW),
    "api_402": ("OK просит ввести капчу", "войдите на ok.ru в браузере, затем получите новый токен"),
    "api_403": (
        "OK просит подтвердить, что вы человек",
        "войдите на ok.ru в браузере, затем получите новый токен",
    ),
    "api_453": ("нужна сессия пользователя", _TO_RENEW),
    "api_457": ("нет прав на это действие", _TO_RENEW),
    "api_514": ("OK просит подтвердить вход", "войдите на ok.ru в браузере, затем получите новый токен"),
    "folder_missing": ("папки нет", "создайте или подключите её либо исправьте path"),
    "folder_unreadable": ("папку нельзя прочитать", "дайте пользователю okdrop права на неё"),
    "folder_unmounted": ("папка не подключена", "подключите диск снова"),
    "folder_unmarked": (
        "в папке нет файла-метки (marker)",
        "подключите диск, верните метку или исправьте marker",
    ),
    "folder_hangs": ("папка не отвечает", "посмотрите, почему не отвечает то, что в ней подключено"),
    "disk_low": ("{left}", "освободите место; порог задаёт disk.low"),
}
"""By its code: what happened, and what to do."""


def advice(facts: Mapping[str, Any], language: Language) -> tuple[str, str]:
    """What happened, and what to do, in a language as far as that can be said in it."""
    code, message, hint = (str(facts.get(key, "")) for key in ("code", "message", "hint"))
    if language is Language.RUSSIAN and code in IN_RUSSIAN:
        what, todo = IN_RUSSIAN[code]
        return what.format(left=message.replace("GiB left", "ГиБ свободно")), todo
    if language is Language.RUSSIAN and code and message:
        return f"{message} ({code})", hint
    return message, hint
