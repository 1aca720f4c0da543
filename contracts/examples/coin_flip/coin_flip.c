// SPDX-License-Identifier: Apache-2.0
// Heads or tails. The coin lands outside of the chain: OutLayer runs a program (examples/random-c), this contract's
// callback learns what it printed, and the player's own call answers with the result.
//
//   new{owner_id, outlayer_id, repo, commit, price}
//                           anyone, once: whom to ask, where the program is, what a flip costs
//   flip{choice}            anyone, with the price; what is attached beyond it goes back at once. choice: "Heads" or
//                           "Tails". Answers {"choice":…,"landed":…,"won":true|false}; when the coin did not land,
//                           landed and won are null, "error" says why, and the player has the price back
//   on_flip                 this contract itself: OutLayer's answer
//   withdraw{}              the owner: all that is neither needed for state nor owed to players
//   get_score{account_id}   view: {"flips":n,"wins":n}
//
// Money: the price goes to OutLayer, and its change comes back here, since this contract is the payer: what a run costs
// less than the price is the owner's. When OutLayer's promise fails nobody knows what became of the request: refused,
// or answered and the callback failed, then the payment comes back after it was cancelled. So the player is not paid
// from that but from this contract's own money, which must cover the prices of all open flips before it takes another
// one: the owner sends it some to begin with.
//
// Stored under STATE: a version and struct game; in map 's': account -> flips and wins, 8 bytes each.
#include "sdk/sdk.h"

#define NAME_MAX 256
// request_execution, the answer's way back included. The same in each call, so that no caller can starve its callback.
#define ASK_GAS (100 * TGAS)
#define CALLBACK_GAS (15 * TGAS)                 // on_flip
#define OWN_GAS (5 * TGAS)                       // the rest of flip
#define SCORE_BYTES (RECORD_BYTES + 1 + 64 + 16) // at most, of a player's first flip
static const struct text state_key = {"STATE", 5};
static const struct map scores = {'s', {0}};
static const char *const sides[] = {"Heads", "Tails"};
static const struct json_choices side_choices = {sides, 2};

struct game {
    struct account owner_id, outlayer_id;
    struct text repo, commit;
    struct yocto price;
    uint64_t open; // flips that wait for OutLayer
};
static const struct rec_field game_fields[] = {
    REC_WHO(struct game, owner_id),  REC_WHO(struct game, outlayer_id), REC_STRING(struct game, repo),
    REC_STRING(struct game, commit), REC_RAW(struct game, price),       REC_RAW(struct game, open),
};
static const struct rec_shape game_shape = REC_SHAPE(game_fields);

static struct game load(void) {
    static uint8_t bytes[3 * NAME_MAX]; // the game's texts point into it
    size_t len = 0;
    struct game g = {0};
    require(store_get(state_key, bytes, sizeof bytes, &len), "The contract is not initialized");
    struct rec_in r = {bytes, bytes + len};
    rec_take_version(&r, 1);
    rec_take_shape(&r, &game_shape, &g);
    return g;
}

static void save(const struct game *g) {
    uint8_t bytes[3 * NAME_MAX];
    struct rec_out r = REC_OUT(bytes);
    rec_put_u8(&r, 1);
    rec_put_shape(&r, &game_shape, g);
    store_put(state_key, REC_TEXT(r));
}

METHOD(CALL, new) {
    static const struct json_field fields[] = {REQUIRED(struct game, owner_id), REQUIRED(struct game, outlayer_id),
                                               REQUIRED(struct game, repo), REQUIRED(struct game, commit),
                                               REQUIRED(struct game, price)};
    static const struct json_shape shape = JSON_SHAPE(fields, CLOSED);
    struct game g = {0};
    json_arguments(&g, &shape);
    require(!store_has(state_key), "The contract has already been initialized");
    require(g.repo.len <= NAME_MAX && g.commit.len <= NAME_MAX, "repo and commit have at most 256 bytes each");
    save(&g);
}

// What must stay here: the stake of the state, with the scores that open flips may add, and what they may get back.
static struct yocto needed(const struct game *g) {
    return yocto_add(stake_of(store_usage() + g->open * SCORE_BYTES), yocto_mul(g->price, g->open));
}

// --- asking

struct flip {
    uint8_t choice; // index of sides
    struct account player;
};

static void put_request(struct out *o, const struct game *g) {
    put_open(o, '{');
    member_open(o, "code_source", '{');
    member_string(o, "repo", g->repo);
    member_string(o, "commit", g->commit);
    member_string(o, "build_target", TEXT("wasm32-wasip1"));
    put_close(o, '}');
    member_string(o, "input_data", TEXT("{\"min\":0,\"max\":1}"));
    member_string(o, "response_format", TEXT("Json"));
    member_bool(o, "result_envelope", true); // so that a failure is not mistaken for an answer
    put_close(o, '}');
}

// What the callback must know travels in its arguments.
static void put_flip(struct out *o, const struct flip *f) {
    put_open(o, '{');
    member_string(o, "choice", text_of(sides[f->choice]));
    member_string(o, "player", account_text(&f->player));
    put_close(o, '}');
}

// The price is taken, the rest goes back.
static void take_price(const struct game *g, const struct account *player) {
    struct yocto got = deposit_attached();
    if (yocto_less(got, g->price))
        stop_filled("A flip costs % yoctoNEAR, attached are %", (struct yocto[]){g->price, got});
    if (yocto_less(g->price, got))
        promise_transfer(player, yocto_sub(got, g->price));
}

METHOD(PAYABLE, flip) {
    static const struct json_field fields[] = {REQUIRED_BY(struct flip, choice, json_read_choice, &side_choices)};
    static const struct json_shape shape = JSON_SHAPE(fields, CLOSED);
    struct flip f = {.player = caller()};
    json_arguments(&f, &shape);
    require(gas_left() > ASK_GAS + CALLBACK_GAS + OWN_GAS, "Attach at least 125 Tgas to flip the coin");
    struct game g = load();
    take_price(&g, &f.player);
    g.open++;
    save(&g);
    char request[4 * NAME_MAX], back[256];
    struct out o = OUT(request), b = OUT(back);
    put_request(&o, &g);
    put_flip(&b, &f);
    struct promise asked = promise_call(&(struct promise_call){.account = g.outlayer_id,
                                                               .method = "request_execution",
                                                               .args = out_text(&o),
                                                               .deposit = g.price,
                                                               .gas = ASK_GAS});
    require(!yocto_less(contract_balance(), needed(&g)),
            "The game has too little money of its own to take another flip now");
    promise_return(promise_then(
        asked,
        &(struct promise_call){.account = self(), .method = "on_flip", .args = out_text(&b), .gas = CALLBACK_GAS}));
}

// --- the answer

struct landing {
    struct json_raw output;
    struct text error;
    const char *side; // NULL: it did not land
};

// OutLayer's envelope: {"success":…,"output":{"random_number":n} or null,"error":text or null,…}. Whatever the program
// has printed, it must not stop the callback.
static struct landing read_envelope(void) {
    static char bytes[4096];
    static const struct json_field fields[] = {OPTIONAL(struct landing, output), OPTIONAL(struct landing, error)};
    static const struct json_shape shape = JSON_SHAPE(fields, OPEN);
    struct landing l = {0};
    if (host_register_len(PROMISE_REGISTER) <= sizeof bytes)
        json_document(bytes, register_copy(PROMISE_REGISTER, bytes, sizeof bytes), &l, &shape);
    if (text_eq(l.output.text, TEXT("{\"random_number\":0}")))
        l.side = sides[0];
    else if (text_eq(l.output.text, TEXT("{\"random_number\":1}")))
        l.side = sides[1];
    else if (!l.error.ptr)
        l.error = TEXT("the program answered with neither 0 nor 1");
    return l;
}

struct score {
    uint64_t flips, wins;
};

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
    member_string(o, "landed", l->side ? text_of(l->side) : (struct text){0});
    if (l->side) {
        member_bool(o, "won", l->side == sides[f->choice]);
    } else {
        member_null(o, "won");
        member_string(o, "error", l->error);
    }
}

static void answer_flip(const struct flip *f, const struct landing *l) {
    static const struct event_name flipped = {"coin_flip", "1.0.0", "flipped"};
    static char line[8192], answer[8192];
    struct out o = OUT(line), a = OUT(answer);
    event_begin(&o, &flipped);
    member_string(&o, "player", account_text(&f->player));
    put_result(&o, f, l);
    event_emit(&o);
    put_open(&a, '{');
    put_result(&a, f, l);
    put_close(&a, '}');
    answer_json(&a);
}

METHOD(CALLBACK, on_flip) {
    static const struct json_field fields[] = {REQUIRED_BY(struct flip, choice, json_read_choice, &side_choices),
                                               REQUIRED(struct flip, player)};
    static const struct json_shape shape = JSON_SHAPE(fields, CLOSED);
    struct flip f = {0};
    struct landing l = {.error = TEXT("OutLayer's promise failed: its own receipts say why")};
    json_arguments(&f, &shape);
    struct game g = load();
    g.open--;
    save(&g);
    if (promise_succeeded())
        l = read_envelope();
    if (l.side)
        count(&f.player, l.side == sides[f.choice]);
    else
        promise_transfer(&f.player, g.price);
    answer_flip(&f, &l);
}

METHOD(CALL, withdraw) {
    struct game g = load();
    struct account from = caller();
    require(account_eq(&from, &g.owner_id), "Only the owner can withdraw");
    struct yocto have = contract_balance(), keep = needed(&g);
    require(yocto_less(keep, have), "All of it is needed for the state or owed to players");
    promise_transfer(&g.owner_id, yocto_sub(have, keep));
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
