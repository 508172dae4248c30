"""Chinese names, and how they are misheard: characters stand in pairs that sound alike."""

import numpy as np
import pyarrow as pa

from isthmus.simulation.column import Ints, Mask, Text, choose, join, pick

SURNAMES = pa.array(
    [
        *(
            "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏"
            "魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵"
            "万钱严覃武戴莫孔向汤"
        ),
        *("欧阳", "司徒", "上官", "诸葛"),
    ]
)
# Even and odd neighbours sound alike.
CHARACTERS = pa.array(
    list(
        "伟炜芳方娜那敏闽静靖丽莉强蔷磊蕾军君洋扬勇永艳燕杰捷娟鹃涛韬明鸣超潮秀绣霞侠平萍刚钢桂贵英瑛华桦红虹玉玉梅枚文雯"
    )
    + list("志智国帼建健春椿海诲晓小林琳宇雨欣新佳嘉怡宜婷亭波博鑫辛龙隆峰锋云芸清青飞菲辉晖宁凝")
)
SURNAME_WEIGHT = 1.0 / (np.arange(len(SURNAMES)) + 6.0)


def draw(rng: np.random.Generator, count: int) -> tuple[Ints, Ints, Ints]:
    """Surname, first and second character (-1 for none), as rows of the tables above."""
    surname = rng.choice(len(SURNAMES), size=count, p=SURNAME_WEIGHT / SURNAME_WEIGHT.sum())
    first = rng.integers(0, len(CHARACTERS), count)
    second = np.where(rng.random(count) < 0.75, rng.integers(0, len(CHARACTERS), count), -1)
    return surname, first, second


def written(name: tuple[Ints, Ints, Ints], misheard: Mask | None = None) -> Text:
    """Names as text; where `misheard`, the first character is taken for another of the same sound."""
    surname, first, second = name
    heard = first if misheard is None else np.where(misheard, first ^ 1, first)
    return join(pick(SURNAMES, surname), pick(CHARACTERS, heard), pick(CHARACTERS, second))


def swapped(name: tuple[Ints, Ints, Ints], mask: Mask, text: Text) -> Text:
    """Names whose two last characters changed places where the mask holds."""
    surname, first, second = name
    turned = join(pick(SURNAMES, surname), pick(CHARACTERS, second), pick(CHARACTERS, first))
    return choose(mask & (second >= 0), turned, text)
