from tests.academic.graph import Scene

NIP = "198501012010011001"
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
