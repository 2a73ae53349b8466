"""Plots: for each, `<name>_data(...)` gives the numbers as a table and `<name>(...)` draws them.

A plot is a HoloViews element styled for pages (Bokeh) and for files (Matplotlib), on a light or a dark background. `save`
writes one as PDF, SVG or PNG, and its data as CSV.
"""

from snnviz.plots._accuracy_cost import accuracy_cost, accuracy_cost_data
from snnviz.plots._accuracy_over_events import accuracy_over_events, accuracy_over_events_data
from snnviz.plots._accuracy_over_time import accuracy_over_time, accuracy_over_time_data
from snnviz.plots._answer_margin import answer_margin, answer_margin_data
from snnviz.plots._chip_map import chip_map, chip_map_data
from snnviz.plots._class_scores import class_scores, class_scores_data
from snnviz.plots._confidence_cutoff import confidence_cutoff, confidence_cutoff_data
from snnviz.plots._confusion import confusion, confusion_data, move_confusion
from snnviz.plots._curves import move_threshold
from snnviz.plots._evaluations import evaluations, evaluations_data
from snnviz.plots._event_shares import event_shares, event_shares_data
from snnviz.plots._event_stream import event_stream, event_stream_data
from snnviz.plots._events_over_time import events_over_time, events_over_time_data, move_events_threshold
from snnviz.plots._exit_steps import exit_steps, exit_steps_data
from snnviz.plots._figure_a import figure_a, figure_a_data
from snnviz.plots._lambda_grid import lambda_grid, lambda_grid_data
from snnviz.plots._layer_graph import layer_graph, layer_graph_data
from snnviz.plots._layer_sparsity import layer_sparsity, layer_sparsity_data
from snnviz.plots._membranes import membranes, membranes_data
from snnviz.plots._metric_history import metric_history, metric_history_data
from snnviz.plots._notebook import notebook
from snnviz.plots._optimization_history import optimization_history, optimization_history_data
from snnviz.plots._parallel_coordinates import parallel_coordinates, parallel_coordinates_data
from snnviz.plots._pareto_front import pareto_front, pareto_front_data
from snnviz.plots._polarity import as_pictures
from snnviz.plots._prediction_strip import prediction_strip, prediction_strip_data, telling_items
from snnviz.plots._pruning_curve import pruning_curve, pruning_curve_data
from snnviz.plots._raster import raster, raster_data, recorded_layers
from snnviz.plots._runs import Results, crossings_data, named, step_unit
from snnviz.plots._scales import scales, scales_data
from snnviz.plots._search_progress import search_progress, search_progress_data
from snnviz.plots._setting_importance import setting_importance, setting_importance_data
from snnviz.plots._settings_tried import settings_tried, settings_tried_data
from snnviz.plots._sparsity_front import sparsity_front, sparsity_front_data
from snnviz.plots._spike_rates import spike_rates, spike_rates_data
from snnviz.plots.export import DOUBLE_COLUMN, PICTURES, SINGLE_COLUMN, render, save
from snnviz.plots.inplace import move_cursor, refresh

__all__ = [
    "DOUBLE_COLUMN",
    "PICTURES",
    "SINGLE_COLUMN",
    "Results",
    "accuracy_cost",
    "accuracy_cost_data",
    "accuracy_over_events",
    "accuracy_over_events_data",
    "accuracy_over_time",
    "accuracy_over_time_data",
    "answer_margin",
    "answer_margin_data",
    "as_pictures",
    "chip_map",
    "chip_map_data",
    "class_scores",
    "class_scores_data",
    "confidence_cutoff",
    "confidence_cutoff_data",
    "confusion",
    "confusion_data",
    "crossings_data",
    "evaluations",
    "evaluations_data",
    "event_shares",
    "event_shares_data",
    "event_stream",
    "event_stream_data",
    "events_over_time",
    "events_over_time_data",
    "exit_steps",
    "exit_steps_data",
    "figure_a",
    "figure_a_data",
    "lambda_grid",
    "lambda_grid_data",
    "layer_graph",
    "layer_graph_data",
    "layer_sparsity",
    "layer_sparsity_data",
    "membranes",
    "membranes_data",
    "metric_history",
    "metric_history_data",
    "move_confusion",
    "move_cursor",
    "move_events_threshold",
    "move_threshold",
    "named",
    "notebook",
    "optimization_history",
    "optimization_history_data",
    "parallel_coordinates",
    "parallel_coordinates_data",
    "pareto_front",
    "pareto_front_data",
    "prediction_strip",
    "prediction_strip_data",
    "pruning_curve",
    "pruning_curve_data",
    "raster",
    "raster_data",
    "recorded_layers",
    "refresh",
    "render",
    "save",
    "scales",
    "scales_data",
    "search_progress",
    "search_progress_data",
    "setting_importance",
    "setting_importance_data",
    "settings_tried",
    "settings_tried_data",
    "sparsity_front",
    "sparsity_front_data",
    "spike_rates",
    "spike_rates_data",
    "step_unit",
    "telling_items",
]
