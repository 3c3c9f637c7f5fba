from tests.academic.graph import Scene

CREATED = "... on CreateSubjectSuccess { subject { id code name category creditHours } }"
BIOLOGY = {"code": "BIO", "name": "Biologi", "category": "PEMINATAN", "creditHours": 4}


async def test_create_subject_and_every_way_it_is_refused(here: Scene, there: Scene):
    created = (await here.change("createSubject", CREATED, **BIOLOGY, kkm=70))["subject"]
    assert created.pop("id")
    assert created == BIOLOGY
    taken = await here.change("createSubject", "", **BIOLOGY)
    assert (taken["__typename"], taken["message"]) == ("CodeTaken", "Kode mata pelajaran BIO sudah dipakai.")
    wrong = await here.change("createSubject", "", **BIOLOGY | {"code": "x" * 21, "creditHours": 61}, kkm=101)
    assert [(fault["path"], fault["code"]) for fault in wrong["fields"]] == [
        ("input.code", "TOO_LONG"),
        ("input.creditHours", "TOO_LARGE"),
        ("input.kkm", "TOO_LARGE"),
    ]
    for actor in ("principal", "teacher", "student", "parent", "finance_staff"):
        assert (await here.change("createSubject", "", actor, **BIOLOGY))["code"] == "FORBIDDEN"
    assert [row["kkm"] for row in here.world.rows("subjects")] == [75, 70]
    query = "{ subjects(orderBy: [CODE_DESC], filter: {category: {in: [WAJIB, PEMINATAN]}}) { nodes { code } } }"
    for actor in ("principal", "teacher", "student", "parent"):
        assert (await here.ask(query, actor)).ok()["subjects"]["nodes"] == [{"code": "MAT"}, {"code": "BIO"}]
    assert (await there.ask(query)).ok()["subjects"]["nodes"] == [{"code": "MAT"}]
