"""What happens in a demo school: attendance, marks, invoices and applications; only what is missing is made."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from deploy.local.demo.client import Graph
from deploy.local.demo.load import Loaded, Taught
from deploy.local.demo.school import MATHEMATICS, MOST_MARK, SUBJECTS, DemoSchool, Pupil, assessment_day, school_days

Advance = Callable[[int], None]
_CATEGORIES = (("Penilaian Harian", 30), ("Penilaian Tengah Semester", 30), ("Penilaian Akhir Semester", 40))
_FEE_A_MONTH = 150_000
_FEE_OF_APPLYING = 200_000
_MONTHS = 3
_EVERY = 4  # one of so many pays


class Records:
    """The steps of one school, in order, as its administrator; consumers catch up between the two parts."""

    def __init__(self, school: DemoSchool, graph: Graph, loaded: Loaded, today: date, advance: Advance) -> None:
        self._school = school
        self._graph = graph
        self._loaded = loaded
        self._today = today
        self._advance = advance

    @property
    def steps(self) -> int:
        """How many things there are to make, for a progress bar."""
        pupils, classes = len(self._school.pupils), len(self._school.classes)
        finished = (classes + len(SUBJECTS) - 1) * (1 + 2 * len(_CATEGORIES))
        running = classes * (1 + 2)
        return 2 * pupils + finished + running + len(self._school.applicants()) + _MONTHS

    async def run(self) -> None:
        """Everything that needs nothing but the school."""
        school = self._school
        is_first = self._today < school.current.second
        running = school.current.start if is_first else school.current.second
        await self._attendance(school_days(school.past.second, school.past.end))
        await self._attendance(school_days(running, school.current.second if is_first else school.current.end))
        pupils = await self._pupils()
        mathematics = [(group, MATHEMATICS) for group in range(len(school.classes))]
        complete = self._group(school.pupils[0])
        others = [(complete, subject) for subject in range(len(SUBJECTS)) if subject != MATHEMATICS]
        await self._marks(self._loaded.finished, mathematics + others, school.past.second, len(_CATEGORIES), pupils)
        await self._marks(self._loaded.running, mathematics, running, 1, pupils)
        await self._report_card(pupils[school.pupils[0].row["nis"]])
        await self._invoices()
        await self._applications()

    async def _attendance(self, days: list[date]) -> None:
        """Month by month, as a school keeps it; what is there already is not sent again."""
        last = self._school.pupils[-1].row["nis"]
        gone = [day for day in days if day < self._today]
        for month in sorted({(day.year, day.month) for day in gone}):
            within = [day for day in gone if (day.year, day.month) == month]
            query = (
                "query($nis: String!, $from: Date, $to: Date)"
                " { student(nis: $nis) { attendanceSummary(from: $from, to: $to) { days } } }"
            )
            span = {"from": within[0].isoformat(), "to": within[-1].isoformat()}
            found = await self._graph(query, nis=last, **span)
            if found["student"]["attendanceSummary"]["days"] < len(within):
                text = self._school.attendance_file(days, within)
                (answer,) = await self._graph.mutate(
                    "importAttendance", [{"file": {"text": text}}], "job { id status }"
                )
                await self._graph.finish(answer["job"], "operationsJob")
        self._advance(len(self._school.pupils))

    async def _all(self, field: str, selection: str) -> list[dict[str, Any]]:
        """Every row of a connection; `field` may have arguments of its own."""
        name, _, rest = field.partition("(")
        arguments = f"first: 100, after: $after{', ' + rest if rest else ')'}"
        query = (
            f"query($after: String) {{ {name}({arguments}"
            f" {{ nodes {{ {selection} }} pageInfo {{ hasNextPage endCursor }} }} }}"
        )
        rows: list[dict[str, Any]] = []
        after = None
        while True:
            page = (await self._graph(query, after=after))[name]
            rows += page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                return rows
            after = page["pageInfo"]["endCursor"]

    async def _pupils(self) -> dict[str, str]:
        return {node["nis"]: node["id"] for node in await self._all("students", "id nis")}

    def _group(self, pupil: Pupil) -> int:
        """The place of a pupil's class."""
        return self._school.classes.index((pupil.level, pupil.group))

    async def _marks(
        self, taught: Taught, places: list[tuple[int, int]], start: date, count: int, pupils: dict[str, str]
    ) -> None:
        """A period's mark each: the first `count` assessments of the classes and subjects at `places`."""
        known = {
            (n["classSubject"]["id"], n["title"]) for n in await self._all("assessments", "title classSubject { id }")
        }
        wanted = [
            (place, number)
            for place in places
            for number in range(count)
            if (taught[place][1], _CATEGORIES[number][0]) not in known
        ]
        categories = [{"name": name, "weight": weight} for name, weight in _CATEGORIES]
        given = [
            {"classSubjectId": subject, "categories": categories}
            for subject in sorted({taught[place][1] for place, _ in wanted})
        ]
        await self._graph.mutate("setGradeCategories", given, "__typename", self._advance)
        assessments = [
            {
                "classSubjectId": taught[place][1],
                "category": _CATEGORIES[number][0],
                "title": _CATEGORIES[number][0],
                "maxScore": MOST_MARK,
                "assessmentDate": assessment_day(start, self._today, number).isoformat(),
            }
            for place, number in wanted
        ]
        made = await self._graph.mutate("createAssessment", assessments, "assessment { id }", self._advance)
        grades = [
            {"assessmentId": answer["assessment"]["id"], "entries": list(self._entries(*place, number, pupils))}
            for (place, number), answer in zip(wanted, made, strict=True)
        ]
        await self._graph.mutate("recordGrades", grades, "__typename", self._advance)

    def _entries(self, group: int, subject: int, number: int, pupils: dict[str, str]) -> Iterator[dict[str, Any]]:
        for pupil in self._school.pupils:
            if self._group(pupil) == group:
                yield {"studentId": pupils[pupil.row["nis"]], "score": pupil.mark(subject, number)}

    async def _report_card(self, pupil: str) -> None:
        """The finished semester's card of the pupil whose account the demo gives away; the worker prints it."""
        query = "query($id: ID!) { student(id: $id) { reportCards { id } } }"
        if not (await self._graph(query, id=pupil))["student"]["reportCards"]:
            given = {"studentId": pupil, "semesterId": self._loaded.finished_semester}
            await self._graph.mutate("generateReportCard", [given], "reportCard { id }")

    def _months(self) -> list[str]:
        """The running month and those before it, oldest first."""
        number = 12 * self._today.year + self._today.month - 1
        return [f"{each // 12}-{1 + each % 12:02d}" for each in range(number - _MONTHS + 1, number + 1)]

    async def _invoices(self) -> None:
        if not await self._all("billingConfigs", "id"):
            config = {
                "name": "SPP",
                "amount": _FEE_A_MONTH,
                "type": "SPP",
                "frequency": "MONTHLY",
                "dueDay": 10,
                "validFrom": self._school.past.start.isoformat(),
            }
            await self._graph.mutate("createBillingConfig", [config], "billingConfig { id }")
        for month in self._months():
            await self._graph.mutate("generateMonthlyInvoices", [{"month": month}], "created", self._advance)
        invoices = await self._all("invoices", "id amount paid period student { id }")
        paying = {student for number, student in enumerate((await self._pupils()).values()) if number % _EVERY == 0}
        first = self._months()[0]
        await self._pay(
            [
                i
                for i in invoices
                if i["period"] == first and i["student"] and i["student"]["id"] in paying and i["paid"] == 0
            ]
        )

    async def _pay(self, invoices: list[dict[str, Any]]) -> None:
        given = [
            {
                "invoiceId": invoice["id"],
                "amount": invoice["amount"],
                "method": "BANK_TRANSFER",
                "paidOn": self._today.isoformat(),
            }
            for invoice in invoices
        ]
        await self._graph.mutate("recordPayment", given, "payment { id }")

    async def _applications(self) -> None:
        """A period for the coming year, open from today, and the families who apply."""
        name = f"SPMB {self._school.coming.name}"
        query = "{ openAdmissionPeriods { id name } }"
        found = {node["name"]: node["id"] for node in (await self._graph(query))["openAdmissionPeriods"]}
        if name not in found:
            period = {
                "name": name,
                "code": "A",
                "academicYearId": self._loaded.coming_year,
                "startDate": self._today.isoformat(),
                "endDate": self._school.current.end.isoformat(),
                "registrationFee": _FEE_OF_APPLYING,
                "maxApplicants": 200,
            }
            (made,) = await self._graph.mutate("createAdmissionPeriod", [period], "admissionPeriod { id }")
            found[name] = made["admissionPeriod"]["id"]
            await self._graph.mutate("openAdmissionPeriod", [{"periodId": found[name]}], "__typename")
        known = {node["fullName"] for node in await self._all("applications", "fullName")}
        given = [
            {"periodId": found[name], **person}
            for person in self._school.applicants()
            if person["fullName"] not in known
        ]
        await self._graph.mutate("submitApplication", given, "number", self._advance)

    async def fees(self) -> None:
        """Some families pay the fee of their application."""
        invoices = await self._all("invoices(filter: {payer: {eq: APPLICANT}})", "id number amount paid")
        chosen = sorted(invoices, key=lambda each: str(each["number"]))[::_EVERY]
        await self._pay([invoice for invoice in chosen if invoice["paid"] == 0])

    async def verified(self) -> None:
        """The school verifies the applications whose fee is paid."""
        applications = await self._all("applications", "id status paymentStatus")
        paid = [each for each in applications if each["paymentStatus"] == "PAID" and each["status"] == "SUBMITTED"]
        await self._graph.mutate("verifyApplication", [{"applicationId": each["id"]} for each in paid], "__typename")
