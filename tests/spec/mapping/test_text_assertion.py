"""What a note says of a thing: absent, in doubt, a relative's, past, planned."""

from lib.notes import check, said


def test_a_denial_reaches_over_a_list_but_not_over_the_clause() -> None:
    check("""
        患者无发热、寒战，有腹痛。                     | 发热     | negated
        患者无发热、寒战，有腹痛。                     | 寒战     | negated
        患者无发热、寒战，有腹痛。                     | 腹痛     | present
        无发热伴咳嗽                                   | 咳嗽     | present
        肝内未见明显占位，脾大                         | 占位     | negated
        肝内未见明显占位，脾大                         | 脾大     | present
        No fever, but abdominal pain since Monday.     | fever    | negated
        No fever, but abdominal pain since Monday.     | abdominal pain | present
        There is no evidence of lung metastasis.       | lung metastasis | negated
    """)


def test_denied_reaches_to_the_end_of_the_sentence() -> None:
    check("""
        否认高血压、糖尿病史，冠心病史。                | 冠心病   | negated past
        否认肝炎病史。有糖尿病。                        | 糖尿病   | present
        Patient denies nausea, vomiting, or diarrhea.   | diarrhea | negated
        Denies chest pain. Cough for two days.          | cough    | present
    """)


def test_words_that_hold_a_negation_deny_nothing() -> None:
    check("""
        无明显诱因出现腹痛                              | 腹痛     | present
        行无水乙醇注射                                  | 无水乙醇注射 | present
        肝脏边缘不规则，见结节                          | 结节     | present
        腹膜后见肿大淋巴结                              | 腹膜后   | present
        不除外肝转移                                    | 肝转移   | uncertain
    """)


def test_a_negation_may_follow() -> None:
    check("""
        微血管侵犯（-）                                 | 微血管侵犯 | negated
        移动性浊音阴性                                  | 移动性浊音 | negated
        微血管侵犯（+）                                 | 微血管侵犯 | present
        腹水：无                                        | 腹水     | negated
        Microvascular invasion: not identified          | Microvascular invasion | negated
        术中未输血                                      | 输血     | negated
        Lungs: no nodules                               | nodules  | negated
        Macrovascular invasion was not seen.            | Macrovascular invasion | negated
    """)


def test_doubt() -> None:
    check("""
        考虑肝癌                                        | 肝癌     | uncertain
        肝癌？                                          | 肝癌     | uncertain
        肝硬化、肝癌可能                                | 肝癌     | uncertain
        肝硬化 肺转移待排                               | 肺转移   | uncertain
        肝硬化 肺转移待排                               | 肝硬化   | present
        Suspicious for hepatocellular carcinoma.        | hepatocellular carcinoma | uncertain
        Lung metastases cannot be excluded.             | lung metastases | uncertain
        如出现发热，及时就诊                            | 发热     | uncertain
    """)


def test_relatives() -> None:
    check("""
        父亲患肝癌，患者有乙肝                          | 肝癌     | family
        父亲患肝癌，患者有乙肝                          | 乙肝     | present
        家族史：无肝癌                                  | 肝癌     | negated family
        家族史：母亲高血压                              | 高血压   | family
        Mother had breast cancer.                       | breast cancer | family
        Family history of colon cancer, patient has hypertension | hypertension | present
    """)


def test_the_past_and_the_plan() -> None:
    check("""
        既往有糖尿病                                    | 糖尿病   | past
        糖尿病病史10年                                  | 糖尿病   | past
        既往史：高血压                                  | 高血压   | past
        曾行阑尾切除术                                  | 阑尾切除术 | past
        拟行射频消融                                    | 射频消融 | planned
        建议行肝穿刺活检                                | 肝穿刺活检 | planned
        未行TACE治疗                                    | TACE治疗 | negated
        肝癌切除术后                                    | 肝癌切除术 | past
        Status post hepatectomy.                        | hepatectomy | past
        Plan for radiofrequency ablation.               | radiofrequency ablation | planned
    """)


def test_a_wrapped_line_is_one_sentence_and_a_new_line_is_another() -> None:
    assert said("No evidence of portal invasion or\nlung metastasis. Fever.", "lung metastasis") == "negated"
    assert said("No evidence of portal invasion\nFever for two days.", "Fever") == "present"
    assert said("未见肝转移\n发热2天", "发热") == "present"
