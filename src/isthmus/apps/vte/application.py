"""The application: pages, routes and the CDS service."""

from collections.abc import Sequence

from isthmus.apps.contract import Application, Asked, Context, Page, Published, Route, Service, Told
from isthmus.apps.contract.session import named
from isthmus.apps.vte import page
from isthmus.apps.vte.cards import became, keep_feedback, patient_view
from isthmus.apps.vte.indicator import indicators
from isthmus.apps.vte.patient import assess
from isthmus.apps.vte.report import report
from isthmus.apps.vte.sheet import as_csv
from isthmus.apps.vte.told import told

TITLE = {"en": "Venous thromboembolism: risk", "zh": "VTE 风险评估"}
INDICATORS = {"en": "Venous thromboembolism: indicators", "zh": "VTE 质控指标"}
REPORT = {"en": "Venous thromboembolism: single-disease report", "zh": "VTE 单病种上报"}
CDS = {
    "en": "Risk of venous thromboembolism and of bleeding, what to do, and what is due within 24 h of admission.",
    "zh": "静脉血栓栓塞症与出血风险、应采取的措施及入院 24 小时内的待办。",
}


class Vte(Application):
    """Venous thromboembolism in hospital."""

    def pages(self) -> Sequence[Page]:
        """A patient, the indicators, the report."""
        return [
            Page(path="patient", title=TITLE, handle=page.patient),
            Page(path="indicators", title=INDICATORS, handle=page.indicators),
            Page(path="report", title=REPORT, handle=page.report),
        ]

    def routes(self) -> Sequence[Route]:
        """The same as values, and as CSV."""
        return [
            Route(method="GET", path="patients/{person}", handle=_patient),
            Route(method="GET", path="indicators", handle=_indicators),
            Route(method="GET", path="indicators.csv", handle=_indicators_csv),
            Route(method="GET", path="report", handle=_report),
            Route(method="GET", path="report.csv", handle=_report_csv),
            Route(method="GET", path="cards", handle=became),
        ]

    def services(self) -> Sequence[Service]:
        """The service for who opens a patient."""
        return [
            Service(
                id="vte-patient-view", hook="patient-view", title=TITLE, description=CDS, handle=patient_view,
                feedback=keep_feedback,
            )
        ]  # fmt: skip

    def published(self, event: Published, at: Context) -> None:
        """What hospitals deliver is looked up anew."""
        at.records.remove("delivered", {})


def _patient(asked: Asked, at: Context) -> Told:
    one = assess(named(asked.named["person"]), at, asked.query.get("at", ""))
    if one is None:
        return Told(status=404, body={"error": "no stay in hospital is known of this patient"})
    return Told(body=told(one, asked.language))


def _indicators(asked: Asked, at: Context) -> Told:
    rows = indicators(asked, at).to_pylist()
    return Told(body=[{**row, "period": row["period"].isoformat()} for row in rows])


def _indicators_csv(asked: Asked, at: Context) -> Told:
    return Told(body=as_csv(indicators(asked, at)), media="text/csv; charset=utf-8")


def _report(asked: Asked, at: Context) -> Told:
    return Told(body=report(asked, at).value())


def _report_csv(asked: Asked, at: Context) -> Told:
    return Told(body=as_csv(report(asked, at).rows), media="text/csv; charset=utf-8")
