"""Dates, times, numbers and signs, as hospitals write them."""

from lib.spec import Spec


def test_a_date_is_read_as_iso(spec: Spec) -> None:
    spec.holds("""
        x                             | date(x)
        ------------------------------+-----------
        2024-03-05                    | 2024-03-05
        2024-3-5                      | 2024-03-05
        2024/03/05                    | 2024-03-05
        2024/3/5                      | 2024-03-05
        2024-03-05 23:59              | 2024-03-05
        2024-03-05T23:59:59           | 2024-03-05
        2024-03-05T23:59:59.123456789 | 2024-03-05
        0001-01-01                    | 0001-01-01
        2024-02-29                    | 2024-02-29
    """)


def test_a_date_is_read_in_the_compact_form_of_messages(spec: Spec) -> None:
    spec.holds("""
        x                      | date(x)
        -----------------------+-----------
        20240305               | 2024-03-05
        202403052359           | 2024-03-05
        20240305235959         | 2024-03-05
        20240305235959.1234    | 2024-03-05
        20240305235959+0800    | 2024-03-05
        20240305235959.12-0500 | 2024-03-05
        20240305235959Z        | 2024-03-05
    """)


def test_a_date_is_read_as_chinese_hospitals_write_it(spec: Spec) -> None:
    spec.holds("""
        x                        | date(x)
        -------------------------+-----------
        2024年03月05日           | 2024-03-05
        2024年3月5日             | 2024-03-05
        2024年3月5日 08:30:00    | 2024-03-05
        2024年3月5日 8时30分     | 2024-03-05
        2024年3月5日8时30分15秒  | 2024-03-05
        2024.3.5                 | 2024-03-05
        2024.03.05               | 2024-03-05
        2024.3.5 08:30           | 2024-03-05
        20240305 08:30:15        | 2024-03-05
    """)


def test_a_zone_does_not_move_the_day(spec: Spec) -> None:
    """The patient was admitted on the day that the ward's clock showed."""
    spec.holds("""
        x                         | date(x)    | datetime(x)
        --------------------------+------------+--------------------
        2024-03-05T23:30:00-05:00 | 2024-03-05 | 2024-03-05 23:30:00
        2024-03-05T00:30:00+08:00 | 2024-03-05 | 2024-03-05 00:30:00
        2024-03-05T00:30:00Z      | 2024-03-05 | 2024-03-05 00:30:00
        2024-03-05 00:30:00+0800  | 2024-03-05 | 2024-03-05 00:30:00
        20240305003000+0800       | 2024-03-05 | 2024-03-05 00:30:00
    """)


def test_a_zone_without_seconds_does_not_move_the_day_either(spec: Spec) -> None:
    spec.holds("""
        x                       | date(x)    | datetime(x)
        ------------------------+------------+--------------------
        2024-03-05T23:30-05:00  | 2024-03-05 | 2024-03-05 23:30:00
        2024-03-05T00:30+08:00  | 2024-03-05 | 2024-03-05 00:30:00
        2024-03-05T00:30Z       | 2024-03-05 | 2024-03-05 00:30:00
        202403050030+0800       | 2024-03-05 | 2024-03-05 00:30:00
    """)


def test_the_end_of_a_date_is_no_zone(spec: Spec) -> None:
    spec.holds(
        """
        x          | date(x)
        -----------+-----------
        05-03-2024 | 2024-03-05
        05.03.2024 | 2024-03-05
        """,
        pack='== pack.yaml\npack: spec\ndates: ["%d-%m-%Y", "%d.%m.%Y"]\n',
    )


def test_an_impossible_date_is_null_and_not_another_day(spec: Spec) -> None:
    spec.holds("""
        x                   | date(x) | datetime(x)
        --------------------+---------+------------
        2023-02-29          |         |
        2024-02-30          |         |
        2024-13-01          |         |
        2024-00-10          |         |
        0000-00-00          |         |
        2024年2月30日       |         |
        20240230            |         |
        2024.13.1           |         |
        不详                |         |
        unknown             |         |
        12                  |         |
        infinity            |         |
        -infinity           |         |
        epoch               |         |
        today               |         |
        -2024-03-05         |         |
                            |         |
        ''                  |         |
    """)


def test_a_year_of_two_digits_is_unreadable_unless_the_pack_says_so(spec: Spec) -> None:
    """Else `24-03-05` would be a day of the year 24."""
    spec.holds("""
        x                | date(x) | datetime(x)
        -----------------+---------+------------
        24-03-05         |         |
        24-3-5 08:30     |         |
        024-03-05        |         |
    """)
    spec.holds(
        """
        x          | date(x)    | datetime(x)
        -----------+------------+--------------------
        24-03-05   | 2024-03-05 | 2024-03-05 00:00:00
        2024-03-05 | 2024-03-05 | 2024-03-05 00:00:00
        """,
        pack='== pack.yaml\npack: spec\ndates: ["%y-%m-%d"]\n',
    )


def test_blanks_around_a_date_do_no_harm(spec: Spec) -> None:
    """Not one digit is lost to a blank before it."""
    spec.holds("""
        x          | date(concat('  ', x, ' ')) | datetime(concat(' ', x, '  '))
        -----------+----------------------------+-------------------------------
        2024-03-05 | 2024-03-05                 | 2024-03-05 00:00:00
        20240305   | 2024-03-05                 | 2024-03-05 00:00:00
        2024/3/5   | 2024-03-05                 | 2024-03-05 00:00:00
        2024-03-15 | 2024-03-15                 | 2024-03-15 00:00:00
        2024-03-15 08:30:45 | 2024-03-15        | 2024-03-15 08:30:45
    """)


def test_a_datetime_keeps_the_minute(spec: Spec) -> None:
    spec.holds("""
        x                     | datetime(x)
        ----------------------+--------------------
        2024-03-05 08:30:15   | 2024-03-05 08:30:15
        2024-03-05T08:30:15   | 2024-03-05 08:30:15
        2024-03-05 08:30      | 2024-03-05 08:30:00
        2024/03/05 08:30:15   | 2024-03-05 08:30:15
        2024/3/5 8:30:15      | 2024-03-05 08:30:15
        2024/3/5 8:30         | 2024-03-05 08:30:00
        20240305083015        | 2024-03-05 08:30:15
        202403050830          | 2024-03-05 08:30:00
        2024年3月5日 08:30:15 | 2024-03-05 08:30:15
        2024-03-05            | 2024-03-05 00:00:00
    """)


def test_a_datetime_keeps_parts_of_a_second(spec: Spec) -> None:
    """They tell versions of a record apart."""
    spec.holds("""
        x                             | datetime(x)
        ------------------------------+---------------------------
        2024-03-05T08:30:15.25Z       | 2024-03-05 08:30:15.250000
        2024-03-05 08:30:15.123456789 | 2024-03-05 08:30:15.123456
        20240305083015.25+0800        | 2024-03-05 08:30:15.250000
    """)


def test_the_afternoon_is_not_taken_for_the_morning(spec: Spec) -> None:
    spec.holds("""
        x                      | date(x)    | datetime(x)
        -----------------------+------------+------------
        2024-03-05 08:30:15 PM | 2024-03-05 |
    """)
    spec.holds(
        """
        x                      | datetime(x)
        -----------------------+--------------------
        2024-03-05 08:30:15 PM | 2024-03-05 20:30:15
        2024-03-05 08:30:15 AM | 2024-03-05 08:30:15
        """,
        pack='== pack.yaml\npack: spec\ndates: ["%Y-%m-%d %I:%M:%S %p"]\n',
    )


def test_formats_of_the_pack_come_after_the_known_ones(spec: Spec) -> None:
    spec.holds(
        """
        x               | date(x)    | datetime(x)
        ----------------+------------+--------------------
        05.03.2024      | 2024-03-05 | 2024-03-05 00:00:00
        05-Mar-24 08:30 | 2024-03-05 | 2024-03-05 08:30:00
        2024-03-05      | 2024-03-05 | 2024-03-05 00:00:00
        """,
        pack='== pack.yaml\npack: spec\ndates: ["%d.%m.%Y", "%d-%b-%y %H:%M"]\n',
    )


def test_a_number_is_read_whatever_stands_around_it(spec: Spec) -> None:
    spec.holds("""
        x         | number(x)
        ----------+----------
        5         | 5
        -0.5      | -0.5
        5.20      | 5.2
        1e3       | 1000
        < 5       | 5
        <5        | 5
        ≤5        | 5
        >= 1000   | 1000
        ≥1,000    | 1000
        ~7        | 7
        ≈7.5      | 7.5
        = 3       | 3
        1,234,567 | 1234567
        1，234    | 1234
    """)


def test_what_is_no_number_is_null(spec: Spec) -> None:
    spec.holds("""
        x          | number(x)
        -----------+----------
        阴性       |
        5 mg       |
        1-2        |
        NaN        |
        inf        |
        -Infinity  |
        1e400      |
        .          |
        ''         |
                   |
    """)


def test_a_sign_before_a_number_becomes_an_operator(spec: Spec) -> None:
    spec.holds("""
        x      | comparator(x)
        -------+--------------
        < 5    | 4171756
        <5     | 4171756
        <= 5   | 4171754
        ≤5     | 4171754
        > 5    | 4172704
        >=5    | 4171755
        ≥ 5    | 4171755
        5      |
        5 < 6  |
               |
    """)


def test_a_sign_after_blanks_counts(spec: Spec) -> None:
    spec.holds("""
        x  | comparator(concat('  ', x))
        ---+----------------------------
        <5 | 4171756
    """)


def test_ordinary_sql_goes_through(spec: Spec) -> None:
    spec.holds("""
        a   | b | trim(upper(concat(a, b))) | case b when '1' then 'one' end | coalesce(try_cast(a as int), -1)
        ----+---+---------------------------+--------------------------------+---------------------------------
        x/y | 1 | X/Y1                      | one                            | -1
        7   | 2 | 72                        |                                | 7
    """)


def test_text_is_joined_with_bars(spec: Spec) -> None:
    spec.holds("""
        a | b | a || '/' || b
        --+---+--------------
        1 | 2 | 1/2
        1 |   |
    """)


def test_lists_count_from_one_and_an_element_that_is_not_there_is_null(spec: Spec) -> None:
    spec.holds("""
        a     | split_part(a, ',', 2) | string_split(a, ',')[1] | string_split(a, ',')[9]
        ------+-----------------------+-------------------------+------------------------
        x,y,z | y                     | x                       |
    """)


def test_a_column_with_a_chinese_name_or_a_sign_in_it_is_read(spec: Spec) -> None:
    spec.holds("""
        检验结果 | number(检验结果)
        ---------+-----------------
        < 5      | 5
    """)
    mapped = spec.mapped(
        '== r.yaml\nperson: \'"病人 ID"\'\ninto: [{table: death, set: {death_date: date("死亡-日期")}}]\n',
        [{"病人 ID": "A", "死亡-日期": "2024-03-05"}],
    )
    mapped.shows(
        "death",
        """
        death_date | place
        -----------+------
        2024-03-05 | 0
        """,
    )
