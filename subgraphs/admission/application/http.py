"""`/ppdb/<slug>`: a school's public pages, where families apply and see how it stands. No JavaScript, no session.

There is nothing that another site could misuse in a visitor's name, hence no token against that. The hidden key of
the form makes sending it twice safe: the same form is answered again.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from libs.auth import system_binding
from libs.db import Database
from libs.graph import EmailAddress, PhoneNumber, checked_text
from libs.kernel import PLATFORM_TENANT_ID, Clock, DomainError, FieldFault
from libs.pages import Pages, days_by, language_of, sent_form, spoken
from subgraphs.admission.application.operations import submit_application
from subgraphs.admission.application.queries import Applicants, School, find_school, find_standing, open_periods
from subgraphs.admission.application.rules import ApplicationForm, Gender, KeyReused, form_faults, next_step

_TEMPLATES: Final = Path(__file__).parent / "templates"
_PAGES: Final = Pages(_TEMPLATES)
_TEXTS: Final[Mapping[str, Mapping[str, str]]] = json.loads((_TEMPLATES / "texts.json").read_text())
_LARGEST_FORM: Final = 32 * 1024  # bytes
_REQUIRED: Final = {"fullName": 120, "birthPlace": 80, "parentName": 120, "parentPhone": 40}
_OPTIONAL: Final = {"nisn": 20, "nik": 20, "previousSchool": 120, "parentEmail": 254}
_KINDS: Final = {"parentPhone": PhoneNumber, "parentEmail": EmailAddress}
_WRONG_DATE: Final = {"id": "Tanggal tidak benar.", "en": "Not a date."}
_CHOOSE: Final = {"id": "Pilih salah satu.", "en": "Choose one."}


def page_routes(database: Database, applicants: Applicants, clock: Clock) -> Sequence[BaseRoute]:
    """The pages of every school over its periods and applications."""
    pages = _Pages(database, applicants, clock)
    return [
        Route("/ppdb/{slug}", pages.show_school, methods=["GET"]),
        Route("/ppdb/{slug}/status", pages.show_status, methods=["POST"]),
        Route("/ppdb/{slug}/{period_id:uuid}", pages.show_form, methods=["GET"]),
        Route("/ppdb/{slug}/{period_id:uuid}", pages.submit, methods=["POST"]),
    ]


@dataclass(frozen=True, slots=True)
class _Read:
    """What came of a form: texts as they were sent and, where they are right, their values; what is wrong, by name."""

    texts: Mapping[str, str]
    values: dict[str, Any] = field(default_factory=dict)
    faults: list[FieldFault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Pages:
    database: Database
    applicants: Applicants
    clock: Clock

    async def show_school(self, request: Request) -> Response:
        """Where one can apply, and the way to see how an application stands."""
        school = await self._school(request)
        async with self.database.read(system_binding(school.id)) as tx:
            periods = await open_periods(tx, self._today(school))
        return _page(request, "school.html", school=school, periods=periods)

    async def show_form(self, request: Request) -> Response:
        """The empty form."""
        return await self._form(request, await self._school(request), key=uuid4())

    async def submit(self, request: Request) -> Response:
        """Number and secret, or the form again with what is wrong."""
        school, texts = await self._school(request), await sent_form(request, most_bytes=_LARGEST_FORM)
        key = _uuid(texts.get("key", "")) or uuid4()
        read = _read(texts, self._today(school))
        show = partial(self._form, request, school, read=read)
        if read.faults:
            return await show(key=key, faults=read.faults)
        form = ApplicationForm(period_id=request.path_params["period_id"], **read.values)
        try:
            async with self.database.write(system_binding(school.id)) as tx:
                submitted = await submit_application(
                    tx,
                    applicants=self.applicants,
                    request_key=key,
                    form=form,
                    language=language_of(request),
                    today=self._today(school),
                )
        except DomainError as refused:
            return await show(key=key, refused=refused.message(language_of(request)))
        except KeyReused:
            return await show(key=uuid4(), refused=_TEXTS["send_again"][language_of(request)])
        return _page(request, "submitted.html", school=school, submitted=submitted)

    async def show_status(self, request: Request) -> Response:
        """Where an application stands; the same answer whatever of what was sent is wrong."""
        school, texts = await self._school(request), await sent_form(request, most_bytes=_LARGEST_FORM)
        secret, born = texts.get("secret", "").strip() or None, _date(texts.get("birthDate", ""))
        async with self.database.read(system_binding(school.id)) as tx:
            found = await find_standing(tx, number=texts.get("number", ""), secret=secret, birth_date=born)
        step = next_step(found.status, found.payment_status, language_of(request)) if found else ""
        return _page(request, "status.html", school=school, found=found, step=step)

    async def _form(
        self,
        request: Request,
        school: School,
        *,
        key: UUID,
        read: _Read | None = None,
        faults: Sequence[FieldFault] = (),
        refused: str | None = None,
    ) -> Response:
        async with self.database.read(system_binding(school.id)) as tx:
            periods = await open_periods(tx, self._today(school))
        period = next((each for each in periods if each.id == request.path_params["period_id"]), None)
        if period is None:
            return _page(request, "absent.html", HTTPStatus.NOT_FOUND, refused=refused)
        status = HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.CONFLICT if refused else HTTPStatus.OK
        told = {each.path.removeprefix("input."): each.message(language_of(request)) for each in faults}
        texts = read.texts if read else {}
        given = {"school": school, "period": period, "key": key, "texts": texts, "faults": told, "refused": refused}
        return _page(request, "apply.html", status, **given)

    async def _school(self, request: Request) -> School:
        """Raises HTTPException for a school that takes no applications here."""
        async with self.database.read(system_binding(PLATFORM_TENANT_ID)) as tx:
            school = await find_school(tx, request.path_params["slug"])
        if school is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, _TEXTS["no_school"][language_of(request)], spoken(request))
        return school

    def _today(self, school: School) -> date:
        return self.clock().astimezone(ZoneInfo(school.timezone)).date()


def _read(texts: Mapping[str, str], today: date) -> _Read:
    read = _Read(texts)
    for name, longest in (_REQUIRED | _OPTIONAL).items():
        text = texts.get(name, "")
        if name in _OPTIONAL and not text.strip():
            read.values[_snake(name)] = None
            continue
        value, faults = checked_text(text, f"input.{name}", kind=_KINDS.get(name, str), max_length=longest)
        read.values[_snake(name)] = value
        read.faults.extend(faults)
    birth_date, gender = _date(texts.get("birthDate", "")), texts.get("gender", "")
    if birth_date is None:
        read.faults.append(FieldFault("input.birthDate", "INVALID_DATE", _WRONG_DATE))
    if gender not in set(Gender):
        read.faults.append(FieldFault("input.gender", "REQUIRED", _CHOOSE))
    else:
        read.values["gender"] = Gender(gender)
    read.values["birth_date"] = birth_date
    numbers = {"nik": read.values["nik"], "nisn": read.values["nisn"]}
    read.faults.extend(form_faults(**numbers, birth_date=birth_date, today=today))
    return read


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _page(request: Request, name: str, status: HTTPStatus = HTTPStatus.OK, **given: Any) -> Response:
    words = {key: texts[language_of(request)] for key, texts in _TEXTS.items()}
    shown = {"t": words, "day": days_by(words["months"]), "rupiah": _rupiah, "slug": request.path_params["slug"]}
    return _PAGES.show(request, name, status, **shown, **given)


def _rupiah(amount: int) -> str:
    return f"Rp{amount:,}".replace(",", ".")
