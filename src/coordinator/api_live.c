// SPDX-License-Identifier: Apache-2.0
#include "coordinator/api_tables.h"

#include "coordinator/changes.h"

static const struct api_field changes_params[] = {
    {"since", API_TEXT, 0, "`seq` of the last answer; without it the answer comes at once.", .max = QUEUE_SEQ_MAX + 64},
    {"timeout", API_NUMBER, 0, "Seconds to wait at most; 25.", .max = CHANGES_WAIT_MAX_S}};
API_SCHEMA(counts_schema, "LiveCounts", "Executions now, and since the beginning; workers now.", API_CLOSED,
           {"queued", API_NUMBER, API_MUST, "Waiting now."}, {"leased", API_NUMBER, API_MUST, "Handed out now."},
           {"building", API_NUMBER, API_MUST, "Building now."}, {"running", API_NUMBER, API_MUST, "Running now."},
           {"submitting", API_NUMBER, API_MUST, "Being answered now."},
           {"total_executions", API_NUMBER, API_MUST, "All that were recorded."},
           {"successful_executions", API_NUMBER, API_MUST, "That ended well."},
           {"failed_executions", API_NUMBER, API_MUST, FAILED_SAYS},
           {"refused_executions", API_NUMBER, API_MUST, REFUSED_SAYS},
           {"expired_executions", API_NUMBER, API_MUST, EXPIRED_SAYS},
           {"active_workers", API_NUMBER, API_MUST, "Heard of within 30 s."});
API_SCHEMA(
    changes_schema, "Changes", "What has changed since `since`. All coordinators of a deployment understand it.",
    API_CLOSED, {"seq", API_TEXT, API_MUST, "`since` of the next question, as it is."},
    {"anew", API_BOOL, API_MUST,
     "More has changed than can be listed, or `since` is not known (any more): load anew what is shown."},
    {"executions", API_LIST, API_MUST,
     "Those that were recorded, moved on or ended, as they are now: the last that changed first, 100 at most; none "
     "with `anew`. One may come twice.",
     .of = &execution_schema},
    {"workers", API_BOOL, API_MUST, "Whether a worker came, went, or does something else."},
    {"counts", API_OBJECT, API_MUST, "Counts now.", .of = &counts_schema});
const struct api_about about_public_changes = {
    .id = "waitForChanges",
    .what = "Waits until something has changed, and says what; answers to a `since` come half a second apart at least.",
    API_PARAMS(changes_params),
    .answers = {{200, .of = &changes_schema}}};

API_SCHEMA(example_request_schema, "ExampleRequest", "A request for a run.", API_CLOSED,
           {"repo", API_TEXT, API_MUST, "Repository."}, {"commit", API_TEXT, API_MUST, "Branch, tag or commit."},
           {"build_target", API_TEXT, API_MUST, "Build target."}, {"input", API_TEXT, API_MUST, "Standard input."},
           {"response_format", API_WORD, API_MUST, "How the answer is written.", .words = "Bytes Text Json"},
           {"secrets_ref", API_OBJECT, API_MUST_NULL, "With whose secrets.", .of = &secrets_ref_schema},
           {"resource_limits", API_OBJECT, API_MUST_NULL, "Within which limits.", .of = &limits_schema});
API_SCHEMA(example_call_schema, "ExampleCall", "A call of a contract that asks for a run by itself.", API_CLOSED,
           {"contract_id", API_ACCOUNT, API_MUST, "Contract."}, {"method_name", API_TEXT, API_MUST, "Method."},
           {"args", API_TEXT, API_MUST, "Its arguments: JSON."},
           {"deposit", API_AMOUNT, API_MUST, "To attach, in yoctoNEAR."}, {"gas", API_NUMBER, API_MUST, "To attach."});
API_SCHEMA(example_schema, "Example", "One to begin with.", API_CLOSED,
           {"id", API_TEXT, API_MUST, "Letters a-z, digits and -, of no other."},
           {"title", API_TEXT, API_MUST, "Its name."}, {"what", API_TEXT, API_MUST_NULL, "What it shows."},
           {"request", API_OBJECT, API_MUST_NULL, "A request; null: it is a call.", .of = &example_request_schema},
           {"call", API_OBJECT, API_MUST_NULL, "A call; null: it is a request.", .of = &example_call_schema});
API_SCHEMA(examples_schema, "Examples", "What the operator has chosen to begin with.", API_CLOSED,
           {"examples", API_LIST, API_MUST, "Examples, in the operator's order.", .of = &example_schema});
const struct api_about about_public_examples = {.id = "listExamples",
                                                .what = "The examples with which the playground begins.",
                                                .answers = {{200, .of = &examples_schema}, {304}}};
