from tests.academic.graph import Scene

NIP = "198501012010011001"
CHANGED = "... on UpdateTeacherSuccess { teacher { fullName nip status version } } ... on Conflict { currentVersion }"
CREATED = "... on CreateTeacherSuccess { teacher { id fullName nip user { id } } }"


async def test_create_teacher_and_every_way_it_is_refused(here: Scene, there: Scene):
    values = {"fullName": "Guru Dua", "nip": NIP, "email": "dua@example.test"}
    created = (await here.change("createTeacher", CREATED, **values))["teacher"]
    assert created.pop("id")
    assert created == {"fullName": "Guru Dua", "nip": NIP, "user": None}
    for values_, path, code in (
        ({"fullName": "Guru Tiga", "nip": NIP}, "input.nip", "TAKEN"),
        ({"fullName": "Guru Tiga", "email": "DUA@example.test"}, "input.email", "TAKEN"),
        ({"fullName": "Guru Tiga", "nip": "123"}, "input.nip", "FORMAT"),
        ({"fullName": "Guru Tiga", "email": "nobody"}, "input.email", "INVALID_EMAIL"),
        ({"fullName": "G" * 121}, "input.fullName", "TOO_LONG"),
    ):
        refused = await here.change("createTeacher", CREATED, **values_)
        assert [(fault["path"], fault["code"]) for fault in refused["fields"]] == [(path, code)]
    for actor in ("principal", "teacher", "student", "parent", "finance_staff"):
        assert (await here.change("createTeacher", "", actor, fullName="Nobody"))["code"] == "FORBIDDEN"
    assert (await there.change("createTeacher", CREATED, **values))["teacher"]["nip"] == NIP
    assert len(here.world.rows("teachers")) == len(there.world.rows("teachers")) == 2


async def test_everybody_of_the_school_knows_its_teachers_and_nobody_elses(here: Scene, there: Scene):
    await there.world.teacher("Foreign")
    query = '{ teachers(filter: {fullName: {ne: "Nobody"}}) { totalCount nodes { fullName } } }'
    for actor in ("principal", "teacher", "student", "parent", "finance_staff"):
        page = (await here.ask(query, actor)).ok()["teachers"]
        assert page == {"totalCount": 1, "nodes": [{"fullName": "Guru Satu"}]}


async def test_numbers_that_tell_a_birthday_are_the_leaders_to_read(here: Scene):
    await here.world.teacher("Guru Dua", nip=NIP)
    query = "{ teachers { nodes { fullName nip } } }"
    for actor in ("principal", "school_admin"):
        nodes = (await here.ask(query, actor)).ok()["teachers"]["nodes"]
        assert [node["nip"] for node in nodes] == [NIP, None]
    for actor in ("teacher", "student", "parent", "finance_staff"):
        answer = await here.ask(query, actor)
        assert [node["nip"] for node in answer.data["teachers"]["nodes"]] == [None, None]
        assert set(answer.codes) == {"FORBIDDEN"}
        found = await here.ask(
            "query($nip: String!) { teachers(filter: {nip: {eq: $nip}}) { totalCount } }", actor, nip=NIP
        )
        assert (found.data, found.codes) == (None, ["FORBIDDEN"])


async def test_update_teacher_and_every_way_it_is_refused(here: Scene, there: Scene):
    who = str(here.teacher_row.id)
    left = await here.change("updateTeacher", CHANGED, teacherId=who, status="INACTIVE", expectedVersion=1)
    assert left["teacher"] == {"fullName": "Guru Satu", "nip": None, "status": "INACTIVE", "version": 2}
    back = await here.change("updateTeacher", CHANGED, teacherId=who, status="ACTIVE", fullName="Guru Lama", nip=NIP)
    assert back["teacher"] == {"fullName": "Guru Lama", "nip": NIP, "status": "ACTIVE", "version": 3}
    stale = await here.change("updateTeacher", CHANGED, teacherId=who, status="INACTIVE", expectedVersion=1)
    assert (stale["code"], stale["currentVersion"]) == ("CONFLICT", 3)
    for values, path, code in (
        ({"nip": "123"}, "input.nip", "FORMAT"),
        ({"fullName": None}, "input.fullName", "REQUIRED"),
        ({"fullName": " "}, "input.fullName", "REQUIRED"),
        ({"status": None}, "input.status", "REQUIRED"),
    ):
        refused = await here.change("updateTeacher", CHANGED, teacherId=who, **values)
        assert [(fault["path"], fault["code"]) for fault in refused["fields"]] == [(path, code)]
    for actor in ("principal", "teacher", "student", "parent", "finance_staff"):
        assert (await here.change("updateTeacher", "", actor, teacherId=who, nip=None))["code"] == "FORBIDDEN"
    assert (await there.change("updateTeacher", CHANGED, teacherId=who, nip=None))["code"] == "NOT_FOUND"
    (row,) = here.world.rows("teachers")
    assert (row["nip"], row["version"]) == (NIP, 3)


async def test_teachers_are_listed_by_whether_they_work_here(here: Scene):
    gone = await here.world.teacher("Guru Lama")
    await here.world.change_teacher(gone.id, status="INACTIVE")
    query = "query($s: TeacherStatus!) { teachers(filter: {status: {eq: $s}}) { nodes { fullName status } } }"
    for status, name in (("ACTIVE", "Guru Satu"), ("INACTIVE", "Guru Lama")):
        nodes = (await here.ask(query, "parent", s=status)).ok()["teachers"]["nodes"]
        assert nodes == [{"fullName": name, "status": status}]
