"""Resident numbers, telephones and addresses in their normal forms."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.cdm.identity import text
from isthmus.cdm.identity.area import areas
from isthmus.cdm.identity.date import dates
from isthmus.cdm.identity.phone import BLANKS, PLACEHOLDERS, phones
from isthmus.cdm.identity.resident import check_digits, residents
from isthmus.linkage.name import newborn

OTHERS = 13 * 365
"""A number whose day of birth lies so many days beside the record's is another's: a parent's, mostly. A slip in the
year moves it by ten years at most."""
NO_NUMBER = r"^0*$|^(\d)?(?:0{12,}|1{12,}|9{12,})\d?$"
NO_ADDRESS = r"^(?:不详|不明|无|未知|待查|同上|-+|0+|UNKNOWN)$"
REGION = (
    r"^(?:中华人民共和国|中国)?(?:[^省\d]{2,3}省|[^\d]{2,6}?自治区|(?:北京|上海|天津|重庆)市?(?:市辖区)?)?"
    r"(?:[^\d市州盟]{1,10}?(?:市|自治州|地区|盟)(?:[^\d区县旗市小社]{1,5}?[区县旗市])?)?"
)
"""What stands in front of a street: province, prefecture, county."""
HOUSE = (
    (r"(?:号楼|幢|栋|座|号院|单元|室|号|组|弄|梯|层|楼|房|户)", "-"),
    (r"-+", "-"),
    (r"-$", ""),
)
RESIDENT = ("", "_letters", "_written")
PHONE = ("",)
ADDRESS = ("", "_area", "_words", "_numbers")


def resident(numbers: pa.Array, birth: pa.Array, called: pa.Array) -> tuple[pa.Array, ...]:
    """Resident numbers in the columns of RESIDENT, by way of the days of birth and names beside them.

    The number in 18 digits, where it is valid and can be this person's; its letters, valid or not, those of the old
    form lengthened; and what is written, if it is a valid number, whosever it is. A newborn is believed a
    valid number only, and of its own day of birth.
    """
    read = residents(numbers)
    plain = text.plain(numbers)
    letters = text.only(plain, text.matching(plain, r"^\d{13,17}[\dX]?$|^\d{17}X$") & ~text.matching(plain, NO_NUMBER))
    letters = pc.coalesce(read["number"], _lengthened(letters))
    born = dates(birth)["earliest"].cast(pa.date32()).cast(pa.int32())
    gap = pc.abs(pc.subtract(born, read["birth_date"].cast(pa.int32())))
    others = np.asarray(pc.fill_null(pc.greater(gap, OTHERS), False).to_numpy())
    others |= newborn(called) & (gap.is_null().to_numpy(zero_copy_only=False))
    own = text.only(read["number"].combine_chunks(), ~others)
    return own, text.only(_whole(letters), ~others), read["number"].combine_chunks()


def _lengthened(letters: pa.Array) -> pa.Array:
    """Numbers of 14 or 15 digits, which know no century, as 17 or 18; the check digit of 18 is added."""
    short = pc.and_(pc.less_equal(pc.utf8_length(letters), 15), pc.match_substring_regex(letters, r"^\d+$"))
    longer = pc.binary_join_element_wise(
        pc.utf8_slice_codeunits(letters, 0, 6), "19", pc.utf8_slice_codeunits(letters, 6), ""
    )
    full = text.matching(longer, r"^\d{17}$")
    checked = pa.nulls(len(letters), pa.string())
    if full.any():
        some = longer.filter(pa.array(full))
        with_check = pc.binary_join_element_wise(some, check_digits(some), "")
        checked = pc.replace_with_mask(checked, pa.array(full), with_check)
    return pc.if_else(pc.fill_null(short, False), pc.coalesce(checked, longer), letters)


def phone(numbers: pa.Array) -> tuple[pa.Array, ...]:
    """Telephone numbers; those that are none, but look like one with a slip, by their digits."""
    read = phones(numbers)
    plain = text.plain(numbers, BLANKS)
    digits = text.only(plain, text.matching(plain, r"^\d{7,13}$") & ~text.matching(plain, PLACEHOLDERS))
    number = pc.replace_substring_regex(read["number"], pattern=r"^\+86", replacement="")
    return (_whole(pc.coalesce(number, digits)),)


def address(texts: pa.Array) -> tuple[pa.Array, ...]:
    """Addresses in the columns of ADDRESS.

    Street, house and room without the region and with one way of writing numbers; the region's code; the words without
    the numbers, and the numbers.
    """
    plain = text.plain(texts, r"[\s,，、·.]+")
    plain = text.only(plain, ~text.matching(plain, NO_ADDRESS))
    place = pc.replace_substring_regex(plain, pattern=REGION, replacement="")
    for pattern, instead in HOUSE:
        place = pc.replace_substring_regex(place, pattern=pattern, replacement=instead)
    words = pc.replace_substring_regex(place, pattern=r"[\d-]+", replacement="")
    numbers = pc.replace_substring_regex(place, pattern=r"[^\d]+", replacement="-")
    numbers = pc.utf8_trim(numbers, "-")
    return text.some(place), _whole(areas(plain)["area"]), text.some(words), text.some(numbers)


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
