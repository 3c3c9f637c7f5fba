"""A school opened through the router alone: from the platform's first word to people who sign in.

Two classes. Pupils 1 and 2 (siblings, guardian 1) and 3 (guardian 3) sit in the first, 4 and 5 in the second; pupil 5
comes without a class and is enrolled by hand. Every name holds the slug of its school.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import httpx

from libs.events import wait_until_consumed
from libs.kernel import utc_now
from tests.journeys.client import Person
from tests.journeys.stack import PLATFORM_PASSWORD, Stack
from tests.libs.files.workbooks import workbook

PASSWORD = "Melati-putih-7"
HEADER = (
    "nis,nisn,full_name,gender,birth_date,class,guardian_name,guardian_relation,guardian_email,guardian_phone,email"
)
_JOB = "query($id: ID!) { academicJob(id: $id) { id status errors { path message } } }"
_JOB_SECONDS = 60
_GUARDIANS = {1: 1, 2: 1, 3: 3, 4: 4, 5: 5}  # pupil -> guardian
_CLASSES = {1: 1, 2: 1, 3: 1, 4: 2}


@dataclass
class School:
    """One school; `people` are signed in, `ids` are those of what was made."""

    slug: str
    stack: Stack
    http: httpx.AsyncClient
    npsn: str | None = None
    tenant: str = ""
    people: dict[str, Person] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    def name(self, who: str) -> str:
        """The name of a person or class of this school, like `Murid 1 kenanga`."""
        return f"{who} {self.slug}"

    def email(self, who: str) -> str:
        """The address of a person, like `murid-1@kenanga.test`."""
        return f"{who.lower().replace(' ', '-')}@{self.slug}.test"

    def over(self, http: httpx.AsyncClient) -> "School":
        """The same school and people with another client, for another event loop."""
        people = {who: replace(person, http=http) for who, person in self.people.items()}
        return replace(self, http=http, people=people)

    async def open(self) -> None:
        """Goes the whole way."""
        await self.found()
        await self._invite()
        await self._teach()
        await self._import_pupils()
        await self._enrol()
        await asyncio.gather(*(self.join(f"Wali {number}") for number in (1, 3, 4)))
        await asyncio.gather(*(self.join(f"Murid {number}") for number in (1, 4)))
        await wait_until_consumed(self.stack.settings)

    async def found(self) -> None:
        """The platform makes the school; its first administrator accepts the invitation."""
        nobody = Person(self.http)
        platform = await nobody.sign_in(self.stack.settings.platform_email, PLATFORM_PASSWORD)
        given = {
            "slug": self.slug,
            "name": self.name("SMA"),
            "npsn": self.npsn,
            "level": "SMA",
            "timezone": "Asia/Jakarta",
            "admin": {"name": self.name("Admin"), "email": self.email("Admin"), "phone": "0812 3456 7890"},
        }
        answer = await platform.do("createTenant", given, "tenant { id slug status features }")
        self.tenant = answer["tenant"]["id"]
        await self.join("Admin")
        await wait_until_consumed(self.stack.settings)

    async def join(self, who: str) -> None:
        """Accepts the invitation from the mail server and signs in."""
        mail = await self.stack.mail.invitation(self.email(who))
        visitor = Person(self.http, self.tenant)
        answer = await visitor.do("acceptInvitation", {"token": mail.token, "password": PASSWORD}, "user { id }")
        self.ids[who] = answer["user"]["id"]
        self.people[who] = await visitor.sign_in(self.email(who), PASSWORD)

    async def _invite(self) -> None:
        await self.employ("Kepala", "principal")

    async def employ(self, who: str, role: str) -> None:
        """Invites somebody who works here; they accept and sign in."""
        given = {"name": self.name(who), "email": self.email(who), "roles": [role], "language": "en"}
        await self.people["Admin"].do("inviteUser", given, "user { id }")
        await self.join(who)

    async def begin_year(self) -> str:
        """The year of today with its first semester active, whose id it answers."""
        admin, today = self.people["Admin"], utc_now().date()
        year = {
            "name": "Tahun ini",
            "startDate": str(today - timedelta(days=60)),
            "secondSemesterStart": str(today + timedelta(days=90)),
            "endDate": str(today + timedelta(days=240)),
        }
        made = await admin.do("createAcademicYear", year, "academicYear { id semesters { id number } }")
        self.ids["year"] = made["academicYear"]["id"]
        (semester,) = [each["id"] for each in made["academicYear"]["semesters"] if each["number"] == 1]
        await admin.do("activateSemester", {"semesterId": semester}, "semester { isActive }")
        self.ids["semester"] = semester
        return str(semester)

    async def _teach(self) -> None:
        """A year, a subject, two classes, each with a teacher of its own and a lesson."""
        admin = self.people["Admin"]
        semester = await self.begin_year()
        subject = await admin.do(
            "createSubject", {"code": "MTK", "name": self.name("Matematika"), "category": "WAJIB"}, "subject { id }"
        )
        for number in (1, 2):
            await self._teach_class(number, semester, subject["subject"]["id"])
        await wait_until_consumed(self.stack.settings)
        for number in (1, 2):
            await self.join(f"Guru {number}")
        await wait_until_consumed(self.stack.settings)

    async def _teach_class(self, number: int, semester: str, subject: str) -> None:
        admin = self.people["Admin"]
        class_name = {"academicYearId": self.ids["year"], "name": self.name(f"X-{number}"), "level": 10}
        made = await admin.do("createClass", class_name, "class { id }")
        self.ids[f"class {number}"] = class_id = made["class"]["id"]
        who = f"Guru {number}"
        given = {"fullName": self.name(who), "nip": f"19800101200501100{number}", "email": self.email(who)}
        teacher = (await admin.do("createTeacher", given, "teacher { id }"))["teacher"]["id"]
        await admin.do("assignHomeroomTeacher", {"classId": class_id, "teacherId": teacher}, "class { id }")
        taught = {"classId": class_id, "subjectId": subject, "semesterId": semester, "teacherId": teacher}
        assigned = await admin.do("assignSubjectToClass", taught, "classSubject { id }")
        self.ids[f"class subject {number}"] = assigned["classSubject"]["id"]
        lesson = {"classSubjectId": assigned["classSubject"]["id"], "dayOfWeek": number}
        await admin.do("createSchedule", lesson | {"startTime": "07:15", "endTime": "08:45"}, "schedule { id }")

    async def _import_pupils(self) -> None:
        admin = self.people["Admin"]
        await self.import_pupils([self._line(pupil, guardian) for pupil, guardian in _GUARDIANS.items()])
        found = await admin.read("{ students(first: 100) { nodes { id nis } } }")
        self.ids |= {f"student {each['nis']}": each["id"] for each in found["students"]["nodes"]}

    async def import_pupils(self, lines: Sequence[str]) -> None:
        """Sends a workbook of these lines, loads it and waits for the end of the job."""
        admin = self.people["Admin"]
        book = workbook([line.split(",") for line in (HEADER, *lines)])
        announced = {"name": "siswa.xlsx", "size": len(book), "type": "XLSX"}
        upload = await admin.do("requestAcademicUpload", announced, "uploadUrl fileId")
        sent = await admin.http.put(upload["uploadUrl"], content=book)
        assert sent.status_code == 204, sent.text
        given = {"file": {"fileId": upload["fileId"]}, "academicYearId": self.ids["year"]}
        job = (await admin.do("importStudents", given, "job { id status }"))["job"]
        for _ in range(_JOB_SECONDS * 10):
            if job["status"] not in ("QUEUED", "RUNNING"):
                break
            await asyncio.sleep(0.1)
            job = (await admin.read(_JOB, id=job["id"]))["academicJob"]
        assert job["status"] == "SUCCEEDED", job

    def _line(self, pupil: int, guardian: int) -> str:
        class_name = self.name(f"X-{_CLASSES[pupil]}") if pupil in _CLASSES else ""
        who, wali = f"Murid {pupil}", f"Wali {guardian}"
        sex = "LP"[pupil % 2]
        return (
            f"{pupil},{pupil:010d},{self.name(who)},{sex},2010-01-0{pupil},{class_name},"
            f"{self.name(wali)},ibu,{self.email(wali)},0812345678{guardian:02d},{self.email(who)}"
        )

    async def _enrol(self) -> None:
        """The pupil who came without a class gets a seat; a second time is refused."""
        admin = self.people["Admin"]
        given = {"classId": self.ids["class 2"], "studentId": self.ids["student 5"]}
        made = await admin.do("enrollStudent", given, "enrollment { status class { name } student { fullName } }")
        assert made["enrollment"] == {
            "status": "ACTIVE",
            "class": {"name": self.name("X-2")},
            "student": {"fullName": self.name("Murid 5")},
        }
        again: Any = await admin.attempt("enrollStudent", given, "enrollment { id }")
        assert (again["__typename"], again["code"]) == ("AlreadyEnrolled", "ALREADY_ENROLLED")
        await wait_until_consumed(self.stack.settings)
