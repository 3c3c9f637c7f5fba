"""A demo school worked out from the pupils' file: years, classes, people and a timetable, all from a fixed seed."""

import csv
import io
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

from faker import Faker

FOLDER = Path(__file__).parent
REGISTER = FOLDER / "schools-wonosobo.csv"
_PUPILS = FOLDER / "uci-student-mat.csv"
_SEED = 20_261
_CLASS_SIZE = 36  # the legal size of SMA
_RELATIONS = {"mother": "MOTHER", "father": "FATHER", "other": "GUARDIAN"}
_COLUMNS = (
    "nis,nisn,full_name,gender,birth_date,class,guardian_name,guardian_relation,guardian_email,guardian_phone,email"
)
_FIRST_LESSON = time(7, 15)
_LESSON = timedelta(minutes=90)
_LESSONS_A_DAY = 4
_APPLICANTS = 40
_MOST_SHIFT = 3
MATHEMATICS = 0
"""The place of the subject that the file has marks of."""
MOST_MARK = 20

NAMES = {"gp": "SMA Garuda Pratama", "ms": "SMA Mutiara Sejahtera"}
SUBJECTS = (
    ("MTK", "Matematika", "WAJIB", 4),
    ("BIN", "Bahasa Indonesia", "WAJIB", 4),
    ("BIG", "Bahasa Inggris", "WAJIB", 3),
    ("SEJ", "Sejarah", "WAJIB", 2),
    ("PJO", "Pendidikan Jasmani", "WAJIB", 3),
    ("FIS", "Fisika", "PEMINATAN", 4),
    ("KIM", "Kimia", "PEMINATAN", 4),
    ("BDJ", "Bahasa Jawa", "MULOK", 2),
)


HOLIDAYS = {
    (1, 1): "Tahun Baru Masehi",
    (5, 1): "Hari Buruh Internasional",
    (6, 1): "Hari Lahir Pancasila",
    (8, 17): "Hari Kemerdekaan Republik Indonesia",
    (12, 25): "Hari Raya Natal",
}


@dataclass(frozen=True, slots=True)
class Year:
    """An academic year with the first day of its second semester."""

    name: str
    start: date
    second: date
    end: date


@dataclass(frozen=True, slots=True)
class Pupil:
    """A pupil with the class of this year; last year's was one level below."""

    row: dict[str, str]
    level: int
    group: int
    absences: int
    marks: tuple[int, int, int]  # of MOST_MARK in mathematics, in the order of the year

    def mark(self, subject: int, number: int) -> int:
        """The mark of a period in the subject at a place: the file knows mathematics, others are made up near it."""
        if subject == MATHEMATICS:
            return self.marks[number]
        chance = random.Random(f"{_SEED}-{self.row['nis']}-{subject}")  # noqa: S311 - the same at every run
        return min(MOST_MARK, max(0, self.marks[number] + chance.randint(-_MOST_SHIFT, _MOST_SHIFT)))

    def line(self, level: int) -> str:
        """The pupil's line of the import file, in the class of a level."""
        out = io.StringIO()
        values = {**self.row, "class": class_name(level, self.group)}
        csv.DictWriter(out, _COLUMNS.split(",")).writerow(values)
        return out.getvalue()


@dataclass(frozen=True, slots=True)
class Lesson:
    """One slot of the weekly timetable: class and subject by their places, Monday is day 1."""

    group: int
    subject: int
    day: int
    start: time
    end: time


def class_name(level: int, group: int) -> str:
    """`XI IPA 2` for level 11 and the second group."""
    return f"{ {10: 'X', 11: 'XI', 12: 'XII'}[level] } IPA {group}"


def school_days(start: date, end: date) -> list[date]:
    """Mondays to Fridays from `start` until before `end`, without the holidays that fall on one day every year."""
    days = (start + timedelta(days=number) for number in range((end - start).days))
    return [day for day in days if day.isoweekday() <= 5 and (day.month, day.day) not in HOLIDAYS]  # noqa: PLR2004


def assessment_day(start: date, today: date, number: int) -> date:
    """The day of the assessment of a period, the first being 0: a month apart, none later than the last day so far."""
    days = school_days(start, today) or [start]
    return days[min(20 * (number + 1), len(days) - 1)]


def years(today: date) -> tuple[Year, Year, Year]:
    """The year before, the year of a day and the year after; a year begins in July."""
    first = today.year if today.month >= 7 else today.year - 1  # noqa: PLR2004 - July
    return _year(first - 1), _year(first), _year(first + 1)


def _year(first: int) -> Year:
    return Year(
        name=f"{first}/{first + 1}",
        start=date(first, 7, 1),
        second=date(first + 1, 1, 1),
        end=date(first + 1, 6, 30),
    )


class DemoSchool:
    """One of the two schools of the file: its pupils in classes, its teachers, its timetable."""

    def __init__(self, slug: str, today: date) -> None:
        self.slug = slug
        self.name = NAMES[slug]
        self.domain = f"{slug}.wiyata.test"
        self.past, self.current, self.coming = years(today)
        self._faker = Faker("id_ID")
        self._faker.seed_instance(f"{_SEED}-{slug}")
        self._random = random.Random(f"{_SEED}-{slug}")  # noqa: S311 - the same school at every run
        self.pupils = list(self._read_pupils())
        self.classes = sorted({(pupil.level, pupil.group) for pupil in self.pupils})
        self.teachers = [
            (self._person(), f"guru{number}@{self.domain}")
            for number in range(1, len(SUBJECTS) * (1 + (len(self.classes) - 1) // len(SUBJECTS)) + 1)
        ]

    def _person(self) -> str:
        return f"{self._faker.first_name()} {self._faker.last_name()}"

    def _read_pupils(self) -> Iterator[Pupil]:
        with _PUPILS.open(encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["school"] == self.slug.upper()]
        placed: dict[int, int] = defaultdict(int)
        for row in rows:
            # The file's pupils are 15 to 22; everyone was here last year, hence nobody is in the first class now.
            level = 11 if int(row["age"]) <= 16 else 12  # noqa: PLR2004
            marks = (int(row["G1"]), int(row["G2"]), int(row["G3"]))
            yield Pupil(self._import_row(row), level, 1 + placed[level] // _CLASS_SIZE, int(row["absences"]), marks)
            placed[level] += 1

    def _import_row(self, row: dict[str, str]) -> dict[str, str]:
        number = int(row["Id"])
        female = row["sex"] == "F"
        first = self._faker.first_name_female() if female else self._faker.first_name_male()
        relation = _RELATIONS[row["guardian"]]
        guardian = {"MOTHER": self._faker.first_name_female, "FATHER": self._faker.first_name_male}.get(
            relation, self._faker.first_name
        )()
        surname = self._faker.last_name()
        birthday = date(self.current.start.year - int(row["age"]), 6, 30) - timedelta(days=self._random.randrange(365))
        return {
            "nis": f"{self.slug.upper()}{number:04d}",
            "nisn": f"{birthday.year % 1000:03d}{number:07d}",
            "full_name": f"{first} {surname}",
            "gender": "FEMALE" if female else "MALE",
            "birth_date": birthday.isoformat(),
            "guardian_name": f"{guardian} {surname}",
            "guardian_relation": relation,
            "guardian_email": f"wali{number}@{self.domain}",
            "guardian_phone": f"+62812{self._random.randrange(10**8):08d}",
            "email": f"murid{number}@{self.domain}",
        }

    def import_file(self, *, past: bool) -> str:
        """The file of `importStudents` for this year or the one before, when everybody was one level lower."""
        return _COLUMNS + "\n" + "".join(pupil.line(pupil.level - past) for pupil in self.pupils)

    def attendance_file(self, days: Sequence[date], within: Sequence[date]) -> str:
        """The file of `importAttendance` for `within`; each pupil's absences are spread over all the `days`."""
        lines = []
        for pupil in self.pupils:
            chance = random.Random(f"{_SEED}-{days[0]}-{pupil.row['nis']}")  # noqa: S311 - the same at every run
            absent = set(chance.sample(days, k=min(pupil.absences, len(days))))
            marks = ((day, "ABSENT" if day in absent else "PRESENT") for day in within)
            lines += [f"{pupil.row['nis']},{day},{status},\n" for day, status in marks]
        return "nis,date,status,notes\n" + "".join(lines)

    def applicants(self) -> list[dict[str, Any]]:
        """Children of made-up families who want to come next year."""
        faker = Faker("id_ID")
        faker.seed_instance(f"{_SEED}-{self.slug}-applicants")
        found = []
        for number in range(1, _APPLICANTS + 1):
            female, surname = number % 2 == 0, faker.last_name()
            first = faker.first_name_female() if female else faker.first_name_male()
            found.append(
                {
                    "fullName": f"{first} {surname}",
                    "gender": "FEMALE" if female else "MALE",
                    "birthPlace": "Wonosobo",
                    "birthDate": (
                        self.coming.start.replace(year=self.coming.start.year - 15) - timedelta(days=number)
                    ).isoformat(),
                    "previousSchool": f"SMP Negeri {1 + number % 5} Wonosobo",
                    "parentName": f"{faker.first_name()} {surname}",
                    "parentEmail": f"calon{number}@{self.domain}",
                    "parentPhone": f"+62813{number:08d}",
                }
            )
        return found

    def teacher_of(self, group: int, subject: int) -> int:
        """The place of the teacher who teaches a subject to the class at a place: one per subject and eight classes."""
        return subject + len(SUBJECTS) * (group // len(SUBJECTS))

    def lessons(self) -> Iterator[Lesson]:
        """A week without conflicts: at each hour, eight classes in a row have eight different subjects."""
        for hour in range(2 * len(SUBJECTS)):
            day, place = 1 + hour // _LESSONS_A_DAY, hour % _LESSONS_A_DAY
            start = _later(_FIRST_LESSON, place)
            for group in range(len(self.classes)):
                yield Lesson(group, (hour + group) % len(SUBJECTS), day, start, _later(_FIRST_LESSON, place + 1))


def _later(start: time, lessons: int) -> time:
    minutes = start.hour * 60 + start.minute + lessons * int(_LESSON.total_seconds() // 60)
    return time(minutes // 60, minutes % 60)
