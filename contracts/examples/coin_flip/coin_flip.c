// SPDX-License-Identifier: Apache-2.0
// Heads or tails. The coin lands outside of the chain: OutLayer runs a program (examples/random-c), this contract's
// callback learns what it printed, and the player's own call answers with the result.
//
//   new{outlayer_id, repo, commit}   anyone, once: whom to ask, and where the program is
//   flip{choice}                     anyone; choice: "Heads" or "Tails". The deposit pays for the run, at least what
//                                    OutLayer's estimate_execution_cost says; what was not used goes back to the
//                                    player. Answers {"choice":…,"landed":…,"won":true|false}; when the coin did not
//                                    land, landed and won are null and "error" says why
//   on_flip                          this contract itself: OutLayer's answer
//   get_score{account_id}            view: {"flips":n,"wins":n}
//
// Stored under STATE: version, outlayer_id, repo, commit; in map 's': account -> flips and wins, 8 bytes each. Of the
// players' money nothing stays here: OutLayer gives change to the player, and a deposit that OutLayer did not take
// comes back to this contract, whose callback hands it on.
#include "sdk/event.h"
#include "sdk/map.h"
#include "sdk/sdk.h"

#define NAME_MAX 256
#define ASK_GAS                                                                                                        \
    (100 * TGAS)                 // request_execution, the answer's way back included. The same in each call, so that no
                                 // caller can starve OutLayer's callback
#define CALLBACK_GAS (15 * TGAS) // on_flip
#define OWN_GAS (5 * TGAS)       // the rest of flip
static const struct text state_key = {"STATE", 5};
static const struct map scores = {'s', {0}};
static const char *const sides[] = {"Heads", "Tails"};
static const struct json_choices side_choices = {sides, 2};

struct game {
    struct account outlayer_id;
    struct text repo, commit;
};
struct score {
    uint64_t flips, wins;
};

// The texts point into bytes.
static struct game load(uint8_t bytes[static 3 * NAME_MAX]) {
    size_t len = 0;
    require(store_get(state_key, bytes, 3 * NAME_MAX, &len), "The contract is not initialized");
    struct rec_in r = {bytes, bytes + len};
    rec_take_version(&r, 1);
    struct game g = {.outlayer_id = rec_take_account(&r)};
    g.repo = rec_take_text(&r);
    g.commit = rec_take_text(&r);
    return g;
}

METHOD(CALL, new) {
    static const struct json_field fields[] = {REQUIRED(struct game, outlayer_id), REQUIRED(struct game, repo),
                                               REQUIRED(struct game, commit)};
    static const struct json_shape shape = JSON_SHAPE(fields, CLOSED);
    struct game g = {0};
    json_arguments(&g, &shape);
    require(!store_has(state_key), "The contract has already been initialized");
    require(g.repo.len <= NAME_MAX && g.commit.len <= NAME_MAX, "repo and commit have at most 256 bytes each");
    uint8_t bytes[3 * NAME_MAX];
    struct rec_out r = REC_OUT(bytes);
    rec_put_u8(&r, 1);
    rec_put_account(&r, &g.outlayer_id);
    rec_put_text(&r, g.repo);
    rec_put_text(&r, g.commit);
    store_put(state_key, REC_TEXT(r));
}

// --- asking

struct flip {
    uint8_t choice; // index of sides
    struct account player;
    struct yocto deposit;
};

static void put_request(struct out *o, const struct game *g, const struct flip *f) {
    put_open(o, '{');
    member_open(o, "code_source", '{');
    member_string(o, "repo", g->repo);
    member_string(o, "commit", g->commit);
    member_string(o, "build_target", TEXT("wasm32-wasip1"));
    put_close(o, '}');
    member_string(o, "input_data", TEXT("{\"min\":0,\"max\":1}"));
    member_string(o, "response_format", TEXT("Json"));
    member_string(o, "payer_account_id", account_text(&f->player));
    member_bool(o, "result_envelope", true); // so that a failure is not mistaken for an answer
    put_close(o, '}');
}

// What the callback must know travels in its arguments.
static void put_flip(struct out *o, const struct flip *f) {
    put_open(o, '{');
    member_string(o, "choice", text_of(sides[f->choice]));
    member_string(o, "player", account_text(&f->player));
    member_amount(o, "deposit", f->deposit);
    put_close(o, '}');
}

METHOD(PAYABLE, flip) {
    static const struct json_field fields[] = {REQUIRED_BY(struct flip, choice, json_read_choice, &side_choices)};
    static const struct json_shape shape = JSON_SHAPE(fields, CLOSED);
    struct flip f = {.player = caller(), .deposit = deposit_attached()};
    json_arguments(&f, &shape);
    require(gas_left() > ASK_GAS + CALLBACK_GAS + OWN_GAS, "Attach at least 125 Tgas to flip the coin");
    uint8_t bytes[3 * NAME_MAX];
    char request[4 * NAME_MAX], back[256];
    struct game g = load(bytes);
    struct out o = OUT(request), b = OUT(back);
    put_request(&o, &g, &f);
    put_flip(&b, &f);
    struct promise asked = promise_call(&(struct promise_call){.account = g.outlayer_id,
                                                               .method = "request_execution",
                                                               .args = out_text(&o),
                                                               .deposit = f.deposit,
                                                               .gas = ASK_GAS});
    promise_return(promise_then(
        asked,
        &(struct promise_call){.account = self(), .method = "on_flip", .args = out_text(&b), .gas = CALLBACK_GAS}));
}

// --- the answer

struct landing {
    bool known;
    uint64_t side;
    struct text error;
};

static void read_output(struct json_in *in, void *out, const void *more) {
    (void)more;
    static const struct json_field fields[] = {
        JSON_FIELD_AS("random_number", offsetof(struct landing, side), true, json_read_u64, NULL)};
    static const struct json_shape shape = JSON_SHAPE(fields, OPEN);
    struct landing *l = out;
    json_read_shape(in, l, &shape);
    l->known = l->side < 2;
}

// OutLayer's envelope: {"success":…,"output":{"random_number":n} or null,"error":text or null,…}.
static struct landing read_envelope(void) {
    static char bytes[4096];
    static const struct json_field fields[] = {JSON_FIELD_AS("output", 0, false, read_output, NULL),
                                               OPTIONAL(struct landing, error)};
    static const struct json_shape shape = JSON_SHAPE(fields, OPEN);
    struct landing l = {0};
    json_document(bytes, register_copy(PROMISE_REGISTER, bytes, sizeof bytes), &l, &shape);
    if (!l.known && !l.error.ptr)
        l.error = TEXT("the program answered with neither 0 nor 1");
    return l;
}

static struct score score_of(const struct account *a) {
    uint8_t bytes[sizeof(struct score)];
    struct rec_in value;
    struct score s = {0};
    if (map_get(scores, account_text(a), bytes, sizeof bytes, &value)) {
        s.flips = rec_take_u64(&value);
        s.wins = rec_take_u64(&value);
    }
    return s;
}

static void count(const struct account *player, bool won) {
    struct score s = score_of(player);
    s.flips++;
    s.wins += won;
    map_put(scores, account_text(player), (struct text){(const char *)&s, sizeof s});
}

// The event that a watcher sees and the value that the player's call answers with say the same.
static void put_result(struct out *o, const struct flip *f, const struct landing *l) {
    member_string(o, "choice", text_of(sides[f->choice]));
    member_string(o, "landed", l->known ? text_of(sides[l->side]) : (struct text){0});
    if (l->known)
        member_bool(o, "won", l->side == f->choice);
    else
        member_null(o, "won");
    if (!l->known)
        member_string(o, "error", l->error);
}

METHOD(CALLBACK, on_flip) {
    static const struct json_field fields[] = {REQUIRED_BY(struct flip, choice, json_read_choice, &side_choices),
                                               REQUIRED(struct flip, player), REQUIRED(struct flip, deposit)};
    static const struct json_shape shape = JSON_SHAPE(fields, CLOSED);
    static const struct event_name flipped = {"coin_flip", "1.0.0", "flipped"};
    static char line[8192], answer[8192];
    struct flip f = {0};
    struct landing l = {.error =
                            TEXT("OutLayer took no request: its own receipt says why; the deposit is on its way back")};
    json_arguments(&f, &shape);
    if (promise_succeeded())
        l = read_envelope();
    else // request_execution was refused, so the deposit came back here: OutLayer's callback itself always ends well
        promise_transfer(&f.player, f.deposit);
    if (l.known)
        count(&f.player, l.side == f.choice);
    struct out o = OUT(line), a = OUT(answer);
    event_begin(&o, &flipped);
    member_string(&o, "player", account_text(&f.player));
    put_result(&o, &f, &l);
    event_emit(&o);
    put_open(&a, '{');
    put_result(&a, &f, &l);
    put_close(&a, '}');
    answer_json(&a);
}

METHOD(VIEW, get_score) {
    struct score_call {
        struct account account_id;
    } in = {0};
    static const struct json_field fields[] = {REQUIRED(struct score_call, account_id)};
    static const struct json_shape shape = JSON_SHAPE(fields, CLOSED);
    json_arguments(&in, &shape);
    struct score s = score_of(&in.account_id);
    char buffer[96];
    struct out o = OUT(buffer);
    put_open(&o, '{');
    member_number(&o, "flips", s.flips);
    member_number(&o, "wins", s.wins);
    put_close(&o, '}');
    answer_json(&o);
}
