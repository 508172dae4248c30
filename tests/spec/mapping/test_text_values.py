"""Numbers with units, sizes, stages and scores, as notes write them."""

from lib.notes import check_values, findings, named


def test_a_value_belongs_to_the_test_before_it() -> None:
    check_values("""
        AFP 1210ng/ml                       | afp             | 1210  | ng/mL   | 1210ng/ml
        甲胎蛋白：＞1210 ng/mL              | afp             | 1210  | ng/mL   | ＞1210 ng/mL
        甲胎蛋白（AFP）为35.6ng/ml          | afp             | 35.6  | ng/mL   | 35.6ng/ml
        ALT124U/L                           | alt             | 124   | U/L     | 124U/L
        白细胞 9.5×10^9/L                   | wbc             | 9.5   | 10*9/L  | 9.5×10^9/L
        白细胞9.5x10⁹/L                     | wbc             | 9.5   | 10*9/L  | 9.5x10⁹/L
        HBV-DNA 2.3×10^5 IU/mL              | hbv_dna         | 230000 | [iU]/mL | 2.3×10^5 IU/mL
        总胆红素 23.4 μmol/L                | total_bilirubin | 23.4  | umol/L  | 23.4 μmol/L
        INR 1.12                            | inr             | 1.12  | -       | 1.12
        血压 120/80mmHg                     | blood_pressure  | 120   | mm[Hg]  | 120/80mmHg
        Platelets 85 x10^9/L                | platelet        | 85    | 10*9/L  | 85 x10^9/L
        Total bilirubin 1.2 mg/dL           | total_bilirubin | 1.2   | mg/dL   | 1.2 mg/dL
        Platelet count of 95,000/uL         | platelet        | 95000 | /uL     | 95,000/uL
        PIVKA-II 1,245 mAU/ml               | pivka           | 1245  | m[AU]/mL  | 1,245 mAU/ml
        恩替卡韦 0.5mg qd                   | entecavir       | 0.5   | mg      | 0.5mg
        注入表柔比星30mg                    | epirubicin      | 30    | mg      | 30mg
        术中出血约300ml                     | blood_loss      | 300   | mL      | 300ml
    """)


def test_a_bound_is_told_apart_from_a_value() -> None:
    assert named("AFP＞1210ng/ml", "afp")["operator"] == ">"
    assert named("AFP<20ng/ml", "afp")["operator"] == "<"
    assert named("AFP 20ng/ml", "afp")["operator"] is None


def test_a_test_that_only_says_yes_or_no() -> None:
    check_values("""
        HBsAg阳性        | hbsag  | - | - | positive
        HBsAg（+）       | hbsag  | - | - | positive
        HCV抗体阴性      | hcv_ab | - | - | negative
        HBsAg positive   | hbsag  | - | - | positive
    """)
    assert not named("HCV抗体阴性", "hcv_ab")["negated"]


def test_a_time_or_an_age_is_no_value_of_a_test() -> None:
    assert named("AFP 3月前升高", "afp")["number"] is None
    assert named("复查AFP，2周后随访", "afp")["number"] is None


def test_a_size_belongs_to_a_lesion_and_to_no_other_thing() -> None:
    check_values("""
        肝右叶见大小约5.2×4.1cm低密度影           | tumour_size | 5.2 | cm
        肝S8段结节，大小约30mm×25mm                | tumour_size | 3   | cm
        肿瘤位于肝右叶，最大径8cm                  | tumour_size | 8   | cm
        病灶长径3.5CM                              | tumour_size | 3.5 | cm
        A 4.2 x 3.1 cm mass in segment 8           | tumour_size | 4.2 | cm
        A 5.6 cm arterially enhancing mass         | tumour_size | 5.6 | cm
    """)
    for other in (
        "脾脏大小约12×5cm",
        "门静脉主干内径约1.3cm",
        "胆囊结石，直径0.8cm",
        "右肾囊肿2.1cm",
        "切缘距肿瘤1.2cm",
    ):
        assert not [row for row in findings(other) if row["code"] == "tumour_size"], other


def test_stages_and_scores() -> None:
    check_values("""
        BCLC分期：B期                 | bclc              | - | - | B
        BCLC-C                        | bclc              | - | - | C
        BCLC stage 0                  | bclc              | - | - | 0
        CNLC Ⅱb期                     | cnlc              | - | - | IIb
        中国肝癌分期IIIa              | cnlc              | - | - | IIIa
        pT2N0M0                       | tnm               | - | - | PT2N0M0
        TNM分期：ⅢA期                 | tnm_group         | - | - | IIIa
        Child-Pugh A级                | child_pugh_class  | - | - | A
        Child-Pugh分级：B级（7分）    | child_pugh_points | 7 | - | -
        Child-Pugh class B (8 points) | child_pugh_class  | - | - | B
        ECOG PS 1分                   | ecog              | 1 | - | -
        ECOG评分：0                   | ecog              | 0 | - | -
        KPS 90分                      | kps               | 90 | - | -
        Edmondson-Steiner Ⅱ-Ⅲ级       | edmondson         | - | - | II-III
        微血管侵犯M1                  | mvi_grade         | - | - | M1
        mRECIST评价：PR               | response          | - | - | PR
        疗效评估为疾病进展            | response          | - | - | PD
        切缘未见癌                    | margin_status     | - | - | negative
        少量腹水                      | ascites_degree    | - | - | mild
        肝性脑病：无                  | encephalopathy_grade | - | - | none
    """)


def test_numbers_of_tumours() -> None:
    check_values("""
        肿瘤数目：3个                 | tumour_number       | 3
        肝内见两枚结节                | tumour_number       | 2
        病灶共4个                     | tumour_number       | 4
        Three lesions in the liver    | tumour_number       | 3
        肝右叶单发占位                | tumour_multiplicity | - | - | single
        肝内多发病灶                  | tumour_multiplicity | - | - | multiple
        第2次TACE                     | treatment_course    | 2
    """)
    for other in ("肝门区2枚肿大淋巴结", "2023年5月结节", "a 6 mm pulmonary nodule", "多发肝囊肿"):
        assert not [row for row in findings(other) if row["kind"] == "count" or row["code"] == "tumour_multiplicity"]


def test_a_time_is_kept_with_what_follows_it() -> None:
    assert named("3月前出现腹痛", "abdominal_pain")["time"] == "3月前"
    assert named("2023-05-06行肝移植", "liver_transplant")["time"] == "2023-05-06"
    assert named("TACE 3 months ago", "tace")["time"] is None
