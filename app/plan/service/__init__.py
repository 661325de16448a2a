"""The plan as one surface: what is in it, how it is kept in step with scans, and how people change it."""

from __future__ import annotations

from app.plan.branch_scope import BranchScope, main_branch_id, readable_branch, writable_branch
from app.plan.service.annotations import (
    create_annotation,
    delete_annotation,
    list_annotations,
)
from app.plan.service.catalogue import (
    DEFAULT_PAGE,
    LARGEST_PAGE,
    SCAN_DESCRIPTION,
    count_events,
    event_names,
    event_type_names,
    events_by_id,
    field_rules,
    get_event,
    is_on_main,
    list_event_types,
    list_events,
    plan_identities,
    planned_names,
    sync_observed_events,
    touch_last_seen,
)
from app.plan.service.drifts import (
    apply_drift_action,
    list_drifts,
    list_project_drifts,
    record_drifts,
)
from app.plan.service.event_bulk import (
    bulk_create_events,
    bulk_delete_events,
    bulk_update_events,
    move_event,
    reorder_events,
)
from app.plan.service.event_details import (
    event_json_schema,
    get_event_detail,
    get_event_history,
    list_event_details,
    list_tags,
)
from app.plan.service.event_types import (
    create_event_type,
    delete_event_type,
    get_event_type,
    list_event_type_details,
    update_event_type,
)
from app.plan.service.events import (
    create_event,
    delete_event,
    update_event,
)
from app.plan.service.fields import (
    bulk_create_fields,
    create_field,
    delete_field,
    list_fields,
    reorder_fields,
    sensitive_names,
    update_field,
)
from app.plan.service.grouping import (
    delete_merged,
    groupable_events,
    merge_events,
)
from app.plan.service.meta_fields import (
    create_meta_field,
    delete_meta_field,
    list_meta_fields,
    update_meta_field,
)
from app.plan.service.observed_event import create_observed_event
from app.plan.service.owners import (
    add_owner,
    list_owners,
    remove_owner,
)
from app.plan.service.plan_rules import get_rules, set_rules
from app.plan.service.relations import (
    create_relation,
    delete_relation,
    list_relations,
)
from app.plan.service.saved_views import delete_saved_view, list_saved_views, save_view
from app.plan.service.scanning import (
    apply_scanned_catalog,
    own_breakdown_columns,
    scan_targets,
    variable_sources,
)
from app.plan.service.variables import (
    create_variable,
    delete_variable,
    list_variable_values,
    list_variables,
    page_of_variables,
    update_variable,
    variable_uses,
)

__all__ = [
    "DEFAULT_PAGE",
    "LARGEST_PAGE",
    "SCAN_DESCRIPTION",
    "BranchScope",
    "add_owner",
    "apply_drift_action",
    "apply_scanned_catalog",
    "bulk_create_events",
    "bulk_create_fields",
    "bulk_delete_events",
    "bulk_update_events",
    "count_events",
    "create_annotation",
    "create_event",
    "create_event_type",
    "create_field",
    "create_meta_field",
    "create_observed_event",
    "create_relation",
    "create_variable",
    "delete_annotation",
    "delete_event",
    "delete_event_type",
    "delete_field",
    "delete_merged",
    "delete_meta_field",
    "delete_relation",
    "delete_saved_view",
    "delete_variable",
    "event_json_schema",
    "event_names",
    "event_type_names",
    "events_by_id",
    "field_rules",
    "get_event",
    "get_event_detail",
    "get_event_history",
    "get_event_type",
    "get_rules",
    "groupable_events",
    "is_on_main",
    "list_annotations",
    "list_drifts",
    "list_event_details",
    "list_event_type_details",
    "list_event_types",
    "list_events",
    "list_fields",
    "list_meta_fields",
    "list_owners",
    "list_project_drifts",
    "list_relations",
    "list_saved_views",
    "list_tags",
    "list_variable_values",
    "list_variables",
    "main_branch_id",
    "merge_events",
    "move_event",
    "own_breakdown_columns",
    "page_of_variables",
    "plan_identities",
    "planned_names",
    "readable_branch",
    "record_drifts",
    "remove_owner",
    "reorder_events",
    "reorder_fields",
    "save_view",
    "scan_targets",
    "sensitive_names",
    "set_rules",
    "sync_observed_events",
    "touch_last_seen",
    "update_event",
    "update_event_type",
    "update_field",
    "update_meta_field",
    "update_variable",
    "variable_sources",
    "variable_uses",
    "writable_branch",
]
