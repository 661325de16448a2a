"""The parts pages are made of. They take plain values, Vars and handlers, and know nothing of the product."""

from components.band_spark import SparkShape, band_spark, spark_shape
from components.bar_data import Bar, Bars, Level, Stretch, bar_data
from components.chart_data import ChartData, ChartPoint, ChartRow, HeatCell, HeatData, HeatRow, chart_data, heat_data, spark_path
from components.charts import line_chart
from components.feedback import (
    empty_state,
    error_state,
    job_progress,
    loading_state,
    no_rights_state,
    not_found_state,
    notice,
    toast_done,
    toast_failed,
)
from components.forms import (
    button,
    dialog,
    dialog_actions,
    form_field,
    link_button,
    search_input,
    segmented,
    select_input,
    text_area,
    text_input,
    text_link,
    toolbar,
)
from components.heat import heatmap
from components.incidents import finding_line, finding_list
from components.map_data import MapData, MapDot, Spot, place_data, route_data, world_data
from components.marks import badge, code_block, copy_button, direction_mark, kpi, kpi_row, spark_bars, time_text
from components.overlays import command_palette, shortcuts_sheet
from components.shell import Crumb, NavGroup, NavItem, Viewer, bare_page, brand_mark, head, page_header, section, shell
from components.side_panel import side_panel
from components.stacked_bars import stacked_bars
from components.table import Column, data_table, pager, row_link
from components.world_map import world_map

__all__ = [
    "Bar",
    "Bars",
    "ChartData",
    "ChartPoint",
    "ChartRow",
    "Column",
    "Crumb",
    "HeatCell",
    "HeatData",
    "HeatRow",
    "Level",
    "MapData",
    "MapDot",
    "NavGroup",
    "NavItem",
    "SparkShape",
    "Spot",
    "Stretch",
    "Viewer",
    "badge",
    "band_spark",
    "bar_data",
    "bare_page",
    "brand_mark",
    "button",
    "chart_data",
    "code_block",
    "command_palette",
    "copy_button",
    "data_table",
    "dialog",
    "dialog_actions",
    "direction_mark",
    "empty_state",
    "error_state",
    "finding_line",
    "finding_list",
    "form_field",
    "head",
    "heat_data",
    "heatmap",
    "job_progress",
    "kpi",
    "kpi_row",
    "line_chart",
    "link_button",
    "loading_state",
    "no_rights_state",
    "not_found_state",
    "notice",
    "page_header",
    "pager",
    "place_data",
    "route_data",
    "row_link",
    "search_input",
    "section",
    "segmented",
    "select_input",
    "shell",
    "shortcuts_sheet",
    "side_panel",
    "spark_bars",
    "spark_path",
    "spark_shape",
    "stacked_bars",
    "text_area",
    "text_input",
    "text_link",
    "time_text",
    "toast_done",
    "toast_failed",
    "toolbar",
    "world_data",
    "world_map",
]
