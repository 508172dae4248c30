"""Names of others than the patient in Chinese prose, where no title and no colon gives them away: how many are left.

The sentences were written without the recognisers in view, the names are drawn as those of the simulation are. What is
left is told in docs/reference/gate.md: the committee decides on notes knowing it.
"""

from random import Random

from isthmus.simulation.identities import lists
from lib.masked import masked

SAID = """
{}诉腹胀较前缓解。|夜间{}要求止痛。|患者{}术后恢复可。|由{}签署同意书。|请{}会诊协助诊治。|家属{}表示理解并签字。|护工{}代诉。
产妇{}今日查房无发热。|交由{}负责随访。|已与{}谈话。|通知{}到场抢救。|上午{}来院复查，无不适。|{}自述夜间盗汗。|今晨随{}查房。
医师{}阅片后认为占位性病变。|女儿{}照顾其起居。|{}拒绝行胃镜检查。|产妇{}顺娩一男婴。|麻醉由{}实施。|患儿{}，足月顺产。
外院{}主刀行肝切除术。|嘱{}按时服药。|{}与家属商量后决定手术。|听{}讲，其母亲亦有此病。|{}已被家人接走。|与主管的{}讨论后出院。
{}于昨夜突发呼吸困难。|{}由其子送来急诊。|{}的丈夫在外地工作。|此次发病前曾到{}处就诊。|按{}意见调整胰岛素。|同病室{}亦有发热。
"""
EACH = 12  # names for a sentence


def test_most_names_in_prose_are_masked() -> None:
    draw, known = Random(6), lists.names()
    glyphs = known.glyphs.to_pylist()
    surnames, given = glyphs[: known.surnames], glyphs[known.surnames : known.surnames + known.given]
    sentences = [one for line in SAID.split() for one in line.split("|")]
    said = [
        (surname + "".join(draw.sample(given, draw.choice((1, 2, 2)))), sentence)
        for sentence in sentences
        for surname in draw.choices(surnames, known.surname_share.tolist(), k=EACH)
    ]
    found = masked(*(one.format(name) for name, one in said))
    left = [name for (name, one), text in zip(said, found, strict=True) if text != one.format("[name]")]
    share = 1 - len(left) / len(said)
    print(f"\n{share:.0%} of {len(said)} names in prose are masked")  # noqa: T201
    assert share > 0.55
