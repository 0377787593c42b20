"""Which test shows which row of the references of pipelines, checks and environments.

A row is named by its section and its first cell, after the reference's name but for pipelines, or
by a few words of the rule where the section is a list. ``test_rows.py`` holds this against the
tests that there are, and against the tables.
"""

from __future__ import annotations

_HERE = "tests/conformance/"
_DOCUMENT = f"{_HERE}test_document_tables.py::"
_TYPES = f"{_HERE}test_step_type_tables.py::"
_TYPE = f"{_TYPES}test_a_step_keeps_its_request_and_what_it_promises_is_read_by_others"
_RUN = f"{_HERE}test_execution_tables.py::"
_TABLES = f"{_HERE}test_tables.py::"
_VALID = "tests/unit/definition/test_validation.py::"
_LOADER = "tests/unit/definition/test_loader.py::"
_VALUES = "tests/unit/definition/test_parameters.py::"
_LOOP = "tests/engine/test_foreach.py::"
_PLAN = "tests/unit/planning/test_plan.py::"
_RETRY = "tests/unit/planning/test_retry.py::"
_SHAPES = "tests/unit/test_aws_shapes.py::"
_ENGINE = "tests/engine/"
_EVENTS = f"{_ENGINE}test_registry_events.py::"
_CHECKS = (
    f"{_ENGINE}test_checks.py::"
    "test_the_two_switches_decide_what_is_compared_and_which_baseline_goes_on"
)
_KEY = f"{_RUN}test_exactly_the_fields_of_the_table_make_a_result_another_one"
_GROUPS = (
    "tests/unit/model/test_log_streams.py::test_a_job_has_the_group_and_the_stream_of_its_kind"
)
_POLICY = f"{_RUN}test_a_policy_says_how_often_and_when_a_step_runs_again"

DOCUMENT = {
    "1.1 Version": f"{_DOCUMENT}test_a_key_of_the_document_with_another_shape_is_refused[Version]",
    "1.1 Metadata": f"{_DOCUMENT}test_a_key_of_the_document_may_be_null_or_hold_expressions"
    "[Metadata]",
    "1.1 Parameters": f"{_VALID}"
    "test_a_missing_version_no_steps_and_too_many_parameters_are_warnings",
    "1.1 PipelineExperimentConfig": f"{_DOCUMENT}"
    "test_the_experiment_has_names_that_expressions_give_and_steps_read",
    "1.1 MlflowConfig": f"{_HERE}test_definitions.py::test_mlflow_config_definition_trains",
    "1.1 Steps": f"{_DOCUMENT}test_a_key_of_the_document_with_another_shape_is_refused[Steps]",
    "1.2 names, types, defaults": f"{_VALID}test_each_parameter_rule",
    "1.2 values are parsed by type": f"{_VALUES}test_a_start_value_takes_the_declared_type",
    "1.2 type mismatch": f"{_VALUES}test_a_value_of_another_type_is_refused",
    "1.2 unknown, missing, empty, too long, outside of the enum": f"{_VALUES}"
    "test_other_start_values_are_refused_with_a_code",
    "1.2 integer default of a Float": f"{_VALUES}"
    "test_defaults_fill_in_and_an_integer_default_of_a_float_becomes_one",
    "1.2 Get keeps the type": f"{_TABLES}test_every_form_of_expression",
    "1.3 Name": f"{_VALID}test_each_rule_has_a_code_a_place_and_a_way_out",
    "1.3 Type": f"{_LOADER}test_unknown_types_and_keys_are_kept",
    "1.3 Arguments": f"{_HERE}test_definitions.py::"
    "test_conditions_params_execvars_takes_the_branch_and_resolves_every_variable",
    "1.3 DependsOn": "tests/unit/planning/test_scheduler.py::"
    "test_a_trigger_fires_on_the_end_it_asks_for",
    "1.3 DisplayName, Description": f"{_VALID}test_each_rule_has_a_code_a_place_and_a_way_out",
    "1.3 CacheConfig": f"{_VALID}test_a_lenient_duration",
    "1.3 RetryPolicies": f"{_POLICY}[defaults]",
    "1.3 PropertyFiles": f"{_ENGINE}test_execution.py::"
    "test_condition_on_a_property_file_takes_the_if_branch",
    "1.3 OutputParameters": f"{_ENGINE}test_lambda.py::"
    "test_outputs_have_their_declared_types_and_nested_ones_are_json_text",
    "1.3 null counts as absent": f"{_LOADER}test_null_counts_as_absent",
}
"""The document and its common keys."""

STEP_TYPES = {
    **{
        f"1.4 {name}": f"{_TYPE}[{name}]"
        for name in (
            "Processing", "Training", "Tuning", "Transform", "Model", "RegisterModel", "Condition",
            "Callback", "Lambda", "QualityCheck", "EMR", "EndpointConfig", "Lineage",
        )
    },
    "1.4 EMRServerless (v3)": f"{_TYPE}[EMRServerless]",
    "1.4 Cleanup (v3.2x)": f"{_TYPE}[Cleanup]",
    "1.4 ForEach (v3.2x)": f"{_TYPE}[ForEach]",
    "1.4 AutoML": f"{_ENGINE}test_automl.py::"
    "test_the_best_candidate_serves_what_its_pipelines_predict",
    "1.4 Fail": f"{_TYPES}test_fail_has_no_properties",
    "1.4 ClarifyCheck": f"{_ENGINE}test_clarify_checks.py::"
    "test_a_real_analysis_is_reproduced_digit_for_digit",
    "1.4 Endpoint": f"{_ENGINE}test_endpoints.py::"
    "test_an_update_keeps_the_address_and_ends_the_former_process",
    "1.4 InferenceComponent": f"{_ENGINE}test_endpoints.py::"
    "test_inference_components_are_asked_by_name_beside_the_variant",
    "1.4 Job (v3.2x)": f"{_ENGINE}test_job_step.py::"
    "test_what_the_program_says_is_read_by_a_later_step_inside_of_the_document",
    "1.4 Athena, HubContent, BedrockCustomModel, BedrockCustomModelDeployment,"
    " BedrockProvisionedModelThroughput, BedrockModelImport": f"{_TYPES}"
    "test_a_type_of_unknown_format_is_refused_with_a_way_out",
    "1.4 C": f"{_TYPES}test_the_types_of_column_c_are_cached_and_no_other",
    "1.4 R": f"{_TYPES}test_the_types_of_column_r_are_retried_as_their_policies_say",
    "1.5 items, body and concurrency in their limits": f"{_VALID}"
    "test_each_rule_has_a_code_a_place_and_a_way_out",
    "1.5 children are <body>-<index>": f"{_LOOP}test_each_item_has_steps_of_its_own",
    "1.5 CurrentItem is drilled": f"{_LOOP}test_items_of_a_parameter_are_drilled_as_json",
    "1.5 siblings of one iteration": f"{_LOOP}test_siblings_hand_on_within_their_iteration",
    "1.5 IterationOutputs and Selected": f"{_LOOP}"
    "test_selector_picks_an_iteration_that_others_read",
    "1.5 Status and counts": f"{_TYPE}[ForEach]",
    "1.5 a failure inside": f"{_LOOP}"
    "test_a_failed_iteration_stops_no_other_and_a_retry_runs_it_alone",
}  # fmt: skip
"""Step types and ForEach."""

EXPRESSIONS = {
    **{
        f"2 {form}": f"{_TABLES}test_every_form_of_expression"
        for form in (
            '{"Get":"Parameters.X"}', '{"Get":"Steps.<Name>.<path>"}',
            '{"Get":"Steps.<Name>.PropertyFiles.<F>"}',
            '{"Std:Join":{"On":"/","Values":[...]}}',
            '{"Std:JsonGet":{"PropertyFile":{"Get":...},"Path":"a.b[0].c"}}',
            '{"Std:JsonGet":{"S3Uri":<literal or Join>,"Path":"Result[\'y\'][1]"}}',
        )
    },
    '2 {"Get":"Execution.V"}': f"{_DOCUMENT}test_a_variable_of_the_execution",
    '2 {"Get":"Steps.<Name>.OutputParameters[\'o\']"}': f"{_TYPE}[Lambda]",
    '2 {"Get":"PipelineExperimentConfig.ExperimentName': f"{_DOCUMENT}"
    "test_the_experiment_has_names_that_expressions_give_and_steps_read",
    '2 {"Get":"ForEach.CurrentItem..."}, {"Get":"IterationOutput..."}': f"{_TYPE}[ForEach]",
    **{
        f"2.1 {name}": f"{_DOCUMENT}test_a_variable_of_the_execution[{name}]"
        for name in (
            "PipelineName", "PipelineArn", "PipelineExecutionId", "PipelineExecutionArn",
            "StartDateTime", "CurrentDateTime",
        )
    },
    **{
        f"2.1 {name}": f"{_DOCUMENT}"
        f"test_a_variable_names_the_job_of_the_step_that_holds_it[{name}]"
        for name in ("TrainingJobName", "ProcessingJobName")
    },
    **{
        f"2.2 {name}": f"{_TABLES}test_every_row_of_the_conditions_table"
        for name in (
            "Equals, NotEquals", "GreaterThan, GreaterThanOrEqualTo, LessThan, LessThanOrEqualTo",
            "In, NotIn", "Not", "Or",
        )
    },
}  # fmt: skip
"""Expressions, variables and conditions."""

EXECUTION = {
    "3.1 statuses": f"{_RUN}"
    "test_the_statuses_are_those_of_the_service_and_ours_are_of_steps_that_never_start",
    "3.1 step record": f"{_SHAPES}test_steps_have_the_shape_of_list_pipeline_execution_steps",
    "3.1 metadata of Fail": f"{_RUN}test_fail_tells_its_message_even_an_empty_one",
    "3.1 metadata of ClarifyCheck": f"{_ENGINE}test_clarify_checks.py::"
    "test_a_stricter_baseline_fails_the_check",
    **{
        f"3.1 metadata of {name}": f"{_TYPE}[{name}]"
        for name in (
            "Processing", "Training", "Transform", "Tuning", "Model", "RegisterModel", "Condition",
            "Callback", "Lambda", "EMR", "EMRServerless", "QualityCheck", "EndpointConfig",
            "Cleanup", "ForEach", "Lineage",
        )
    },
    "3.1 metadata of Endpoint": f"{_ENGINE}test_endpoints.py::"
    "test_an_endpoint_outlives_the_run_answers_and_is_stopped",
    "3.5 retry": f"{_ENGINE}test_execution.py::"
    "test_retry_keeps_what_succeeded_and_runs_the_rest_again",
    "3.5 no retry after Fail": f"{_ENGINE}test_execution.py::"
    "test_a_run_that_ended_in_fail_cannot_be_retried",
    "3.5 rule 1": f"{_PLAN}test_rule_1_every_step_on_a_path_between_two_selected_ones_is_selected",
    "3.5 rule 2": f"{_PLAN}"
    "test_rule_2_results_upstream_of_the_selection_are_copied_from_the_source",
    "3.5 rule 3": f"{_PLAN}test_rule_3_what_is_downstream_of_the_selection_does_not_run",
    "3.5 rule 4": f"{_PLAN}test_rule_4_a_needed_step_succeeded_in_the_source",
    "3.5 rule 5": f"{_PLAN}test_rule_5_no_source_is_looked_for_where_none_is_named",
    "3.5 rule 6": f"{_PLAN}test_rule_6_nothing_but_results_is_taken_from_the_source",
    "3.5 rule 7": f"{_PLAN}test_rule_7_unknown_steps_are_refused_by_name",
    "3.5 client request token": f"{_ENGINE}test_races.py::"
    "test_two_starts_with_one_token_make_one_execution",
    "3.6 MaxAttempts": f"{_POLICY}[MaxAttempts]",
    "3.6 IntervalSeconds": f"{_POLICY}[IntervalSeconds]",
    "3.6 BackoffRate": f"{_POLICY}[BackoffRate]",
    "3.6 ExpireAfterMin": f"{_POLICY}[ExpireAfterMin]",
    "3.6 MaxAttempts XOR ExpireAfterMin": f"{_VALID}"
    "test_each_rule_has_a_code_a_place_and_a_way_out",
    "3.6 retried without a policy": f"{_RETRY}"
    "test_service_faults_and_throttling_are_retried_without_any_policy",
    "3.6 a policy replaces the default": f"{_RETRY}test_a_policy_replaces_the_default",
    "3.6 attempts per policy": f"{_RETRY}test_each_policy_counts_the_retries_that_it_made",
    "3.6 first policy wins": f"{_RETRY}test_the_first_policy_that_names_the_class_decides",
    "3.6 the user's code is covered by none": f"{_ENGINE}test_retries.py::"
    "test_failures_of_the_users_code_are_covered_by_no_policy_of_the_service",
    **{
        f"3.7 {name}": f"{_KEY}[{name}]"
        for name in (
            "Processing", "Training", "Tuning", "AutoML", "Transform", "ClarifyCheck",
            "QualityCheck", "EMR",
        )
    },
    "3.7 Lambda, Callback": f"{_KEY}[Lambda]",
    "3.7 EMRServerless, Endpoint, EndpointConfig, Job": f"{_KEY}[Job]",
    "3.8 SageMaker Model Building Pipeline Execution Status Change": f"{_SHAPES}"
    "test_the_last_execution_event_says_when_it_ended_and_from_what",
    "3.8 SageMaker Model Building Pipeline Execution Step Status Change": f"{_SHAPES}"
    "test_a_step_event_has_the_members_eventbridge_gives_it",
    "3.8 the events of the registry are told once": f"{_EVENTS}"
    "test_what_a_killed_process_had_not_told_is_told_with_the_next_decision",
    **{
        f"3.9 /aws/sagemaker/{row}": f"{_GROUPS}[{row.partition('/')[0].removesuffix('?')}]"
        for row in (
            "TrainingJobs", "ProcessingJobs", "TransformJobs", "AutoMLJobs?", "Job/<JobCategory>",
            "Endpoints/<name>",
        )
    },
    "3.9 streams are listed by the prefix <job>/": f"{_ENGINE}test_logs_api.py::"
    "test_a_jobs_stream_is_named_as_cloudwatch_names_it",
    "4.2 AlgorithmName in place of an image": f"{_ENGINE}test_closed_programs.py::"
    "test_an_image_that_stands_for_an_algorithm_is_what_runs_it",
    "4.2 hosts of one network": f"{_HERE}test_distributed.py::"
    "test_each_open_mpi_is_told_of_the_remote_shell_in_its_own_words",
    "4.5 a function for Spark": "tests/unit/steps/test_spark_function.py::"
    "test_options_are_sparks_and_the_functions_own_arguments_stay_as_they_are",
    "4.5 a function over several hosts": f"{_HERE}test_distributed.py::"
    "test_hosts_of_a_functions_mpi_driver_meet_and_the_first_starts_its_program",
    "1.4 EMR programs of a cluster": f"{_ENGINE}test_emr.py::"
    "test_steps_of_a_cluster_share_its_hdfs_and_other_executions_begin_without",
    "5 SourceAlgorithmSpecification": f"{_ENGINE}test_closed_programs.py::"
    "test_a_batch_transform_asks_the_containers_of_a_registered_package",
    "4.2 Pipe mode where no /opt/ml is shown": f"{_ENGINE}test_pipe_mode.py::"
    "test_a_job_that_is_shown_no_opt_ml_has_its_pipes_below_its_folder",
    "4.3 RecordIO and TFRecord": f"{_ENGINE}test_transform.py::"
    "test_binary_records_are_sent_bare_one_by_one_and_framed_together",
    "4.8 F F": f"{_CHECKS}[False-False]",
    "4.8 F T": f"{_CHECKS}[True-False]",
    "4.8 T F": f"{_CHECKS}[False-True]",
    "4.8 T T": f"{_CHECKS}[True-True]",
    "5 SageMaker Model Package State Change": f"{_EVENTS}"
    "test_a_version_and_what_is_decided_about_it_are_told_as_eventbridge_does",
}  # fmt: skip
"""Executions, results that are reused, events, checks and the registry.

Switches stand as [Register-Skip].
"""

_QUALITY = "tests/unit/checks/test_data_quality.py::"
_BIAS = f"{_ENGINE}test_clarify_checks.py::"
_IMAGE = "tests/unit/environments/test_image.py::"
_PARTS = f"{_IMAGE}test_the_parts_of_an_aws_image_are_read"
_GRADE = "tests/unit/environments/test_catalog.py::test_an_image_is_graded_by_its_libraries"
_PINS = "tests/unit/environments/test_catalog.py::test_every_row_pins_its_main_library_and_numpy"
_CLOSED = (
    "tests/unit/environments/test_catalog.py::test_what_is_closed_source_is_refused_with_a_reason"
)
_DEFAULTS = "tests/unit/serving/test_defaults.py::"

CHECKS = {
    "checks 1 data_type_check": f"{_QUALITY}"
    "test_whole_numbers_pass_for_fractions_but_not_the_other_way_round",
    "checks 1 completeness_check": f"{_QUALITY}test_missing_values_violate_completeness",
    "checks 1 baseline_drift_check": f"{_QUALITY}test_a_distance_at_the_threshold_is_no_drift",
    "checks 1 missing_column_check / extra_column_check": f"{_QUALITY}"
    "test_columns_that_come_and_go_are_counted",
    "checks 1 categorical_values_check": f"{_QUALITY}test_a_new_category_is_outside_the_domain",
    "checks 3 CI": f"{_BIAS}test_bias_of_a_published_example_is_what_a_hand_computes",
    "checks 3 CDDL / CDDPL": f"{_BIAS}test_bias_of_a_published_example_is_what_a_hand_computes",
    "checks 3 RD; SD": f"{_BIAS}test_bias_of_published_predictions_is_what_a_hand_computes",
    **{
        f"checks 3 {row}": f"{_BIAS}test_all_metrics_agree_with_their_published_formulas"
        for row in (
            "DPL / DPPL",
            "KL, JS",
            "LP, TVD, KS",
            "DI",
            "DCA; DCR",
            "DAR; DRR; AD",
            "TE",
            "GE",
        )
    },
    "checks 3 FT": f"{_BIAS}test_the_flip_test_asks_the_nearest_of_the_other_facet",
}
"""Rules of data quality, and the metrics of bias."""

ENVIRONMENTS = {
    **{
        f"environments 1 {row}": f"{_PARTS}[{image}]"
        for row, image in (
            ("scikit-learn",
             "sagemaker-scikit-learn:0.23-1-cpu-py3-Family.SCIKIT_LEARN-0.23-1-cpu-"),
            ("xgboost", "sagemaker-xgboost:1.7-1-Family.XGBOOST-1.7-1--"),
            ("old xgboost 0.72", "xgboost:latest-Family.XGBOOST---"),
            ("base python", "sagemaker-base-python-310:1.0-Family.BASE_PYTHON-1.0--3.10"),
            ("spark", "sagemaker-spark-processing:3.3-cpu-py39-v1-Family.SPARK-3.3-cpu-3.9"),
            ("distribution",
             "sagemaker-distribution-prod:3.2.0-gpu-Family.DISTRIBUTION-3.2.0-gpu-"),
            ("DLC", "pytorch-training:2.1.0-cpu-py310-ubuntu20.04-sagemaker-Family.PYTORCH-2.1.0"
             "-cpu-3.10"),
        )
    },
    "environments 1 monitor / clarify / wrangler / debugger": f"{_CLOSED}"
    "[sagemaker-model-monitor-analyzer]",
    "environments 1 built-in algorithms, tag 1": f"{_CLOSED}[linear-learner:1]",
    "environments 2 sklearn 0.23-1 (0.20.0: pandas 0.25, same pins)": f"{_GRADE}"
    "[sagemaker-scikit-learn:0.23-1-cpu-py3-python3-Grade.FAR]",
    "environments 2 sklearn 1.0-1": f"{_GRADE}"
    "[sagemaker-scikit-learn:1.0-1-cpu-py3-python2-Grade.CLOSEST]",
    "environments 2 sklearn 1.2-1": f"{_GRADE}"
    "[sagemaker-scikit-learn:1.2-1-cpu-py3-python0-Grade.EXACT]",
    "environments 2 sklearn 1.4-2 / -py312": f"{_GRADE}"
    "[sagemaker-scikit-learn:1.4-2-python5-Grade.EXACT]",
    "environments 2 sklearn 1.9-0": f"{_GRADE}"
    "[sagemaker-scikit-learn:1.9-0-python7-Grade.SAME_MINOR]",
    "environments 2 xgb 1.0-1 (0.90-x: xgboost==0.90 also runs [I])": f"{_GRADE}"
    "[sagemaker-xgboost:1.0-1-cpu-py3-python8-Grade.SAME_MINOR]",
    "environments 2 xgb 1.2-1, 1.2-2, 1.3-1": f"{_PINS}[python0-xgboost 1.3-1]",
    "environments 2 xgb 1.5-1": f"{_GRADE}[sagemaker-xgboost:1.5-1-python9-Grade.FAR]",
    "environments 2 xgb 1.7-1": f"{_GRADE}[sagemaker-xgboost:1.7-1-python10-Grade.EXACT]",
    "environments 2 xgb 3.0-5": f"{_GRADE}[sagemaker-xgboost:3.0-5-python11-Grade.EXACT]",
    "environments 2 xgb 3.2-0": f"{_GRADE}[sagemaker-xgboost:3.2-0-python12-Grade.EXACT]",
    "environments 2 pytorch": f"{_GRADE}"
    "[pytorch-training:2.1.0-cpu-py310-python13-Grade.SAME_MINOR]",
    "environments 2 tensorflow": f"{_GRADE}"
    "[tensorflow-training:2.18.0-cpu-py310-python15-Grade.SAME_MINOR]",
    "environments 2 huggingface": f"{_IMAGE}test_a_hugging_face_tag_names_two_versions",
    "environments 2 base-python-310": f"{_GRADE}"
    "[sagemaker-base-python-310:1.0-python17-Grade.CLOSEST]",
    "environments 2 distribution": f"{_GRADE}"
    "[sagemaker-distribution-prod:2.4.0-cpu-python18-Grade.SAME_MINOR]",
    "environments 4 model_fn": f"{_ENGINE}test_transform.py::"
    "test_a_model_that_does_not_serve_fails_the_step_with_its_reason[no model_fn]",
    "environments 4 input_fn": f"{_DEFAULTS}"
    "test_json_and_csv_become_32_bit_floats_and_a_single_row_has_one_dimension",
    "environments 4 predict_fn": f"{_DEFAULTS}"
    "test_the_model_is_asked_by_its_predict_and_xgboost_checks_no_names[xgboost-"
    "{'validate_features': False}]",
    "environments 4 output_fn": f"{_DEFAULTS}"
    "test_predictions_are_written_as_json_csv_and_npy",
}  # fmt: skip
"""Images, the environments that stand for them, and the defaults of script-mode serving."""

_PROCESSING = f"{_ENGINE}test_processing.py::"
_TRAINING = f"{_ENGINE}test_training.py::"
CONTRACTS = {
    "4.1 only arguments go to the image's own program": f"{_PROCESSING}"
    "test_image_program_gets_the_arguments_where_jobs_run_in_their_images",
    "4.1 Environment": f"{_PROCESSING}test_environment_values_reach_the_job_as_text",
    "4.1 processingjobconfig.json and resourceconfig.json": f"{_PROCESSING}"
    "test_configuration_files_have_every_key_of_the_contract",
    "4.1 LocalPath starts /opt/ml/processing/": f"{_PROCESSING}"
    "test_input_path_outside_the_processing_folder_is_refused",
    "4.1 S3Prefix": f"{_PROCESSING}test_prefix_keeps_what_follows_it_in_the_keys",
    "4.1 a single object keeps its file name": f"{_PROCESSING}"
    "test_single_object_keeps_its_file_name",
    "4.1 ManifestFile": f"{_PROCESSING}test_manifest_names_the_files",
    "4.1 ShardedByS3Key": f"{_PROCESSING}test_two_hosts_share_the_keys_and_run_side_by_side",
    "4.1 Gzip": f"{_PROCESSING}test_gzip_input_is_unpacked",
    "4.1 outputs are uploaded recursively": f"{_PROCESSING}test_outputs_are_uploaded_recursively",
    "4.1 Continuous": f"{_ENGINE}test_job_data.py::"
    "test_a_continuous_output_is_stored_while_the_job_runs",
    "4.1 symlinks are not followed": f"{_PROCESSING}test_links_in_an_output_are_not_followed",
    "4.1 outputs of a failed container": f"{_PROCESSING}"
    "test_outputs_of_a_failed_job_are_uploaded_too",
    "4.1 ExitMessage": f"{_PROCESSING}test_message_is_cut_where_the_service_cuts_it",
    "4.1 FailureReason": f"{_PROCESSING}test_failure_reason_says_how_the_job_ended",
    "4.2 hyperparameters.json": f"{_TRAINING}test_hyperparameters_are_a_flat_map_of_texts",
    "4.2 inputdataconfig.json and resourceconfig.json": f"{_TRAINING}"
    "test_configuration_files_describe_channels_hosts_and_checkpoints",
    "4.2 data of a channel": f"{_TRAINING}test_channels_are_files_in_folders_of_their_names",
    "4.2 model.tar.gz and output.tar.gz": f"{_TRAINING}"
    "test_model_and_output_lie_below_the_jobs_name",
    "4.2 CompressionType NONE": f"{_TRAINING}test_uncompressed_model_is_a_prefix",
    "4.2 failure": f"{_TRAINING}test_failure_file_is_the_reason_up_to_what_the_service_keeps",
    "4.2 checkpoints": f"{_TRAINING}test_checkpoints_go_on_where_the_last_run_left_them",
    "4.2 TRAINING_JOB_NAME": f"{_TRAINING}test_job_knows_its_own_name",
    "4.2 stop is SIGTERM": f"{_TRAINING}test_stopped_script_saves_its_model_on_sigterm",
    "4.2 MaxRuntimeExceeded": f"{_TRAINING}test_job_over_its_time_keeps_its_artifacts",
    "4.2 SM_ variables and arguments": f"{_TRAINING}"
    "test_script_sees_the_toolkits_arguments_and_variables",
    "4.2 sagemaker_submit_directory": f"{_TRAINING}"
    "test_script_mode_takes_its_source_from_archive_prefix_or_folder",
    "4.2 MetricDefinitions": f"{_TRAINING}test_metric_of_the_log_decides_a_condition",
    "4.2 model of the first of several hosts": f"{_TRAINING}"
    "test_two_hosts_share_channels_and_keep_the_model_of_the_first",
}
"""What a container and a script are promised."""

ROWS = {**DOCUMENT, **STEP_TYPES, **EXPRESSIONS, **EXECUTION, **CONTRACTS, **CHECKS, **ENVIRONMENTS}
