"""Brings one demo school into the graph: only what is missing is made, so that running it again changes nothing."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from deploy.local.demo.client import Graph
from deploy.local.demo.school import HOLIDAYS, SUBJECTS, DemoSchool, Lesson, Year, class_name

Advance = Callable[[int], None]
_CAPACITY = 36
# The teacher, the pupil and the guardian are people of the file; the others are invited by the school's administrator.
_INVITED = {"principal": "kepala", "finance_staff": "keuangan", "admission_staff": "ppdb"}
_NAMES = {"principal": "Sri Wahyuni", "finance_staff": "Bambang Santoso", "admission_staff": "Dewi Lestari"}


def emails(school: DemoSchool) -> dict[str, str]:
    """The address of the demo account of every school role."""
    pupil = school.pupils[0].row
    return {
        "school_admin": f"admin@{school.domain}",
        **{role: f"{name}@{school.domain}" for role, name in _INVITED.items()},
        "teacher": school.teachers[0][1],
        "student": pupil["email"],
        "parent": pupil["guardian_email"],
    }


def new_password() -> str:
    """A password that keeps every rule and holds nothing of a name."""
    return f"Kx7!{secrets.token_urlsafe(12)}"


Taught = dict[tuple[int, int], tuple[str, str]]
"""Place of class and place of subject -> class id, class subject id."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What later steps need to know of the school: who teaches what in the finished and in the running semester."""

    coming_year: str
    finished_semester: str
    finished: Taught
    running: Taught


class Loading:
    """The steps of one school, in order, as its administrator."""

    def __init__(self, school: DemoSchool, graph: Graph, advance: Advance) -> None:
        self._school = school
        self._graph = graph
        self._advance = advance

    async def run(self, *, today: date) -> "Loaded":
        """Everything but the accounts' passwords, and what happens in a school that stands."""
        years = await self._years(today)
        subjects = await self._subjects()
        teachers = await self._teachers()
        await self._accounts_of_staff()
        past, current = self._school.past, self._school.current
        for year in (past, current):
            await self._classes(years[year.name], year, teachers)
        for year in (past, current):
            await self._import(years[year.name]["id"], past=year is past)
        finished = next(s["id"] for s in years[past.name]["semesters"] if s["number"] == 2)  # noqa: PLR2004
        active = next(s["id"] for s in years[current.name]["semesters"] if s["isActive"])
        finished_taught = await self._class_subjects(years[past.name]["id"], past, finished, subjects, teachers)
        taught = await self._class_subjects(years[current.name]["id"], current, active, subjects, teachers)
        await self._timetable(active, taught)
        await self._holidays()
        return Loaded(years[self._school.coming.name]["id"], finished, finished_taught, taught)

    async def _holidays(self) -> None:
        query = "{ holidays(first: 100) { nodes { date } } }"
        known = {node["date"] for node in (await self._graph(query))["holidays"]["nodes"]}
        first = self._school.past.start.year
        days = (date(year, *day) for year in range(first, first + 3) for day in HOLIDAYS)
        inputs = [
            {"date": day.isoformat(), "name": HOLIDAYS[day.month, day.day]}
            for day in days
            if self._school.past.start <= day <= self._school.current.end and day.isoformat() not in known
        ]
        await self._graph.mutate("declareHoliday", inputs, "holiday { id }", self._advance)

    async def _years(self, today: date) -> dict[str, Any]:
        query = "{ academicYears(first: 100) { nodes { id name semesters { id number startDate isActive } } } }"
        known = {node["name"] for node in (await self._graph(query))["academicYears"]["nodes"]}
        school = self._school
        wanted = [year for year in (school.past, school.current, school.coming) if year.name not in known]
        inputs = [
            {
                "name": year.name,
                "startDate": year.start.isoformat(),
                "secondSemesterStart": year.second.isoformat(),
                "endDate": year.end.isoformat(),
            }
            for year in wanted
        ]
        await self._graph.mutate("createAcademicYear", inputs, "academicYear { id }", self._advance)
        found = {node["name"]: node for node in (await self._graph(query))["academicYears"]["nodes"]}
        number = 1 if today < self._school.current.second else 2
        semester = next(s for s in found[self._school.current.name]["semesters"] if s["number"] == number)
        if not semester["isActive"]:
            await self._graph.mutate("activateSemester", [{"semesterId": semester["id"]}], "__typename")
            semester["isActive"] = True
        return found

    async def _subjects(self) -> list[str]:
        query = "{ subjects(first: 100) { nodes { id code } } }"
        known = {node["code"] for node in (await self._graph(query))["subjects"]["nodes"]}
        inputs = [
            {"code": code, "name": name, "category": category, "creditHours": hours}
            for code, name, category, hours in SUBJECTS
            if code not in known
        ]
        await self._graph.mutate("createSubject", inputs, "subject { id }", self._advance)
        found = {node["code"]: node["id"] for node in (await self._graph(query))["subjects"]["nodes"]}
        return [found[code] for code, *_ in SUBJECTS]

    async def _teachers(self) -> list[str]:
        query = "{ teachers(first: 100) { nodes { id nip } } }"
        known = {node["nip"] for node in (await self._graph(query))["teachers"]["nodes"]}
        inputs = [
            {"fullName": name, "nip": _nip(place), "email": email}
            for place, (name, email) in enumerate(self._school.teachers)
            if _nip(place) not in known
        ]
        await self._graph.mutate("createTeacher", inputs, "teacher { id }", self._advance)
        found = {node["nip"]: node["id"] for node in (await self._graph(query))["teachers"]["nodes"]}
        return [found[_nip(place)] for place in range(len(self._school.teachers))]

    async def _accounts_of_staff(self) -> None:
        addresses = emails(self._school)
        inputs = [
            {"name": _NAMES[role], "email": addresses[role], "roles": [role]}
            for role in _INVITED
            if not await self._holds(_NAMES[role], role)
        ]
        await self._graph.mutate("inviteUser", inputs, "user { id }", self._advance)

    async def _holds(self, name: str, role: str) -> bool:
        """Whether somebody of this name has the role. Asked by name: a page of all accounts need not hold them."""
        query = "query($name: String!) { users(filter: {search: $name}, first: 100) { nodes { roles { name } } } }"
        found = (await self._graph(query, name=name))["users"]["nodes"]
        return any(held["name"] == role for node in found for held in node["roles"])

    async def _known_classes(self, year_id: str) -> dict[str, Any]:
        data = await self._graph(
            "query($year: ID!) { classes(filter: {academicYearId: {eq: $year}}, first: 100) { nodes { id name"
            " homeroomTeacher { id } subjects { id subject { id } semester { id } } } } }",
            year=year_id,
        )
        return {node["name"]: node for node in data["classes"]["nodes"]}

    async def _classes(self, made: dict[str, Any], year: Year, teachers: list[str]) -> None:
        names = self._names(year)
        known = await self._known_classes(made["id"])
        inputs = [
            {"academicYearId": made["id"], "name": name, "level": level, "major": "IPA", "maxStudents": _CAPACITY}
            for name, level in names
            if name not in known
        ]
        await self._graph.mutate("createClass", inputs, "class { id }", self._advance)
        known = await self._known_classes(made["id"])
        homerooms = [
            {"classId": known[name]["id"], "teacherId": teachers[self._school.teacher_of(place, place % len(SUBJECTS))]}
            for place, (name, _) in enumerate(names)
            if known[name]["homeroomTeacher"] is None
        ]
        await self._graph.mutate("assignHomeroomTeacher", homerooms, "__typename", self._advance)

    def _names(self, year: Year) -> list[tuple[str, int]]:
        below = year is self._school.past
        return [(class_name(level - below, group), level - below) for level, group in self._school.classes]

    async def _import(self, year_id: str, *, past: bool) -> None:
        given = {"file": {"text": self._school.import_file(past=past)}, "academicYearId": year_id}
        (answer,) = await self._graph.mutate("importStudents", [given], "job { id status }")
        await self._graph.finish(answer["job"], "academicJob")
        self._advance(len(self._school.pupils))

    async def _class_subjects(
        self, year_id: str, year: Year, semester: str, subjects: list[str], teachers: list[str]
    ) -> Taught:
        """Who teaches what where."""
        known = await self._known_classes(year_id)
        taught = self._taught(known, year, semester, subjects)
        inputs = [
            {
                "classId": known[name]["id"],
                "subjectId": subjects[subject],
                "semesterId": semester,
                "teacherId": teachers[self._school.teacher_of(group, subject)],
            }
            for group, (name, _) in enumerate(self._names(year))
            for subject in range(len(SUBJECTS))
            if (group, subject) not in taught
        ]
        await self._graph.mutate("assignSubjectToClass", inputs, "classSubject { id }", self._advance)
        return self._taught(await self._known_classes(year_id), year, semester, subjects)

    def _taught(self, known: dict[str, Any], year: Year, semester: str, subjects: list[str]) -> Taught:
        return {
            (group, subjects.index(each["subject"]["id"])): (known[name]["id"], each["id"])
            for group, (name, _) in enumerate(self._names(year))
            for each in known[name]["subjects"]
            if each["semester"]["id"] == semester
        }

    async def _timetable(self, semester: str, taught: Taught) -> None:
        known: set[tuple[str, int, str]] = set()
        for class_id in {class_id for class_id, _ in taught.values()}:
            data = await self._graph(
                "query($c: ID!, $s: ID!) { weeklySchedule(classId: $c, semesterId: $s)"
                " { dayOfWeek startTime classSubject { id } } }",
                c=class_id,
                s=semester,
            )
            known |= {(s["classSubject"]["id"], s["dayOfWeek"], s["startTime"][:5]) for s in data["weeklySchedule"]}
        inputs = [
            _slot(lesson, taught[lesson.group, lesson.subject][1])
            for lesson in self._school.lessons()
            if (taught[lesson.group, lesson.subject][1], lesson.day, f"{lesson.start:%H:%M}") not in known
        ]
        await self._graph.mutate("createSchedule", inputs, "schedule { id }", self._advance)

    @property
    def steps(self) -> int:
        """How many things there are to make, for a progress bar."""
        school, classes = self._school, len(self._school.classes)
        people = len(school.teachers) + len(_INVITED) + 2 * len(school.pupils)
        return (
            3
            + 2 * len(HOLIDAYS)
            + len(SUBJECTS)
            + people
            + 4 * classes
            + 2 * classes * len(SUBJECTS)
            + len(list(school.lessons()))
        )


def _nip(place: int) -> str:
    """A made-up civil servant's number: birth date, month of appointment, sex, running number."""
    return f"19800101200501{1 + place % 2}{place + 1:03d}"


def _slot(lesson: Lesson, class_subject_id: str) -> dict[str, Any]:
    return {
        "classSubjectId": class_subject_id,
        "dayOfWeek": lesson.day,
        "startTime": lesson.start.isoformat(),
        "endTime": lesson.end.isoformat(),
        "room": f"Ruang {lesson.group + 1}",
    }
