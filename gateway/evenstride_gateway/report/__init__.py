"""One page about one session: verdicts first, each with its error, then what they rest on. HTML and PDF."""

from evenstride_gateway.report.data import PodFigures, ReportData
from evenstride_gateway.report.render import render_html, render_pdf

__all__ = ["PodFigures", "ReportData", "render_html", "render_pdf"]
