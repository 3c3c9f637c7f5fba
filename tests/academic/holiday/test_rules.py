from subgraphs.academic.holiday.rules import already_declared


def test_a_second_holiday_of_the_name_is_told_so_in_both_languages():
    [fault] = already_declared().faults
    assert (fault.path, fault.code) == ("input.name", "TAKEN")
    assert set(fault.texts) == {"id", "en"}
