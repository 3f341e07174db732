#include "copywriter/store/schema.h"

#include <array>

namespace adlib::copywriter {
namespace {

// Times are Unix seconds, records are JSON, prices are decimals as text. Everything about a person hangs on
// `user` and goes with it. No id is ever given twice (AUTOINCREMENT): what comes late about an erased copy
// must not be taken for another's.
constexpr std::string_view kVersion1 = R"sql(
CREATE TABLE setting(
  name TEXT PRIMARY KEY,
  value NOT NULL) WITHOUT ROWID;

CREATE TABLE run(                      -- one call of a stage
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  stage TEXT NOT NULL,
  started INTEGER NOT NULL,
  finished INTEGER,                    -- NULL: it is under way, or was interrupted
  version TEXT NOT NULL,               -- of adlib
  settings TEXT NOT NULL);             -- all that it was told

-- collect --------------------------------------------------------------------------------------------------

CREATE TABLE source(                   -- a file that was read
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run INTEGER NOT NULL REFERENCES run(id),
  file TEXT NOT NULL,
  kind TEXT NOT NULL,                  -- products, customers, events, reviews, copy, outcomes
  digest BLOB NOT NULL,                -- SHA-256
  rows INTEGER NOT NULL,
  new_rows INTEGER NOT NULL,
  rejected INTEGER NOT NULL);
CREATE TABLE rejected(                 -- a row that was not taken; what it held is not kept
  source INTEGER NOT NULL REFERENCES source(id) ON DELETE CASCADE,
  line INTEGER NOT NULL,
  reason TEXT NOT NULL);
CREATE INDEX rejected_source ON rejected(source);

CREATE TABLE user(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  shop_id TEXT NOT NULL UNIQUE,        -- what the shop calls them
  source INTEGER REFERENCES source(id),
  line INTEGER,
  record TEXT NOT NULL DEFAULT '{}',   -- the fields of a line of customers.jsonl
  personalised INTEGER NOT NULL DEFAULT 1);  -- 0: opted out of personal marketing
CREATE TABLE consent(                  -- to be written to at all; without a row nothing was said
  user INTEGER NOT NULL REFERENCES user(id) ON DELETE CASCADE,
  channel TEXT NOT NULL,               -- push, sms, email, …; '' is every channel
  granted INTEGER NOT NULL,
  time INTEGER NOT NULL,               -- of the answer; of an undated one, when its file was first read
  origin TEXT NOT NULL DEFAULT 'file' CHECK(origin IN ('file', 'dated', 'unsubscribe')),
  PRIMARY KEY(user, channel)) WITHOUT ROWID;
CREATE TABLE contact(                  -- only where collect was told to keep hashes
  user INTEGER NOT NULL REFERENCES user(id) ON DELETE CASCADE,
  kind TEXT NOT NULL,                  -- phone, email, address, id_number, account
  hash BLOB NOT NULL,                  -- HMAC-SHA-256 under the store's key
  PRIMARY KEY(user, kind, hash)) WITHOUT ROWID;
CREATE TABLE forgotten(                -- who was erased and must not come back with the next file
  hash BLOB PRIMARY KEY,               -- HMAC-SHA-256 of shop_id under the store's key
  time INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE product(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  shop_id TEXT NOT NULL UNIQUE,
  source INTEGER REFERENCES source(id),
  line INTEGER,
  listed INTEGER NOT NULL,             -- 0: known from events alone
  seen INTEGER NOT NULL DEFAULT 0,     -- time of the event that tells of it, where it is not listed
  record TEXT NOT NULL);               -- the fields of a line of products.jsonl
CREATE TABLE event(
  user INTEGER NOT NULL REFERENCES user(id) ON DELETE CASCADE,
  time INTEGER NOT NULL,
  product INTEGER NOT NULL REFERENCES product(id),
  behaviour INTEGER NOT NULL,          -- 0 viewed, 1 saved, 2 put in the cart, 3 bought
  price TEXT,                          -- NULL: what the product costs
  PRIMARY KEY(user, time, product, behaviour)) WITHOUT ROWID;
CREATE TABLE review(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user INTEGER NOT NULL REFERENCES user(id) ON DELETE CASCADE,
  product INTEGER REFERENCES product(id),
  time INTEGER,
  rating REAL,                         -- 0 to 5
  text TEXT NOT NULL,
  hash INTEGER NOT NULL UNIQUE);       -- of the row, so that it is kept once
CREATE INDEX review_user ON review(user);
CREATE TABLE past_copy(                -- what the shop sent before adlib, and what came of it
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  hash INTEGER NOT NULL UNIQUE,
  product INTEGER REFERENCES product(id),
  language TEXT,
  scene TEXT,
  channel TEXT,
  text TEXT NOT NULL,
  sent INTEGER,
  opened INTEGER,
  clicked INTEGER,
  converted INTEGER,
  unsubscribed INTEGER);

-- prepare, recommend ---------------------------------------------------------------------------------------

CREATE TABLE feature(
  user INTEGER PRIMARY KEY REFERENCES user(id) ON DELETE CASCADE,
  run INTEGER NOT NULL REFERENCES run(id),
  time INTEGER NOT NULL,               -- "now" of recency and decay
  record TEXT NOT NULL);               -- docs/features.md
CREATE TABLE recommendation(
  user INTEGER NOT NULL REFERENCES user(id) ON DELETE CASCADE,
  rank INTEGER NOT NULL,               -- from 1
  product INTEGER NOT NULL REFERENCES product(id),
  score REAL NOT NULL,
  method TEXT NOT NULL,                -- item-to-item, popular
  because INTEGER REFERENCES product(id),  -- what the user had looked at or bought
  run INTEGER NOT NULL REFERENCES run(id),
  PRIMARY KEY(user, rank)) WITHOUT ROWID;

-- write, polish, review ------------------------------------------------------------------------------------

CREATE TABLE placement(                -- where one copy is wanted; its copies are variants of each other
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user INTEGER REFERENCES user(id) ON DELETE CASCADE,  -- NULL: for everybody
  product INTEGER NOT NULL REFERENCES product(id),
  scene TEXT NOT NULL,
  channel TEXT NOT NULL,               -- an id of channels.toml
  language TEXT NOT NULL);
CREATE UNIQUE INDEX placement_once ON placement(coalesce(user, 0), product, scene, channel, language);
CREATE INDEX placement_user ON placement(user);
CREATE TABLE copy(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  placement INTEGER NOT NULL REFERENCES placement(id) ON DELETE CASCADE,
  arm TEXT NOT NULL,                   -- what tells the variants apart: "warm", "warm/2"
  tone TEXT,                           -- NULL: the model chose
  run INTEGER NOT NULL REFERENCES run(id),  -- of write: model, rules, sampling
  prompt TEXT NOT NULL,                -- as the model read it
  request TEXT NOT NULL,               -- all that the text was made of, for `adlib reproduce`
  seed INTEGER NOT NULL,
  written TEXT NOT NULL,               -- by the model
  text TEXT NOT NULL,                  -- after fixes and edits
  finish_reason TEXT NOT NULL,
  prompt_tokens INTEGER NOT NULL,
  generated_tokens INTEGER NOT NULL,
  guarded INTEGER NOT NULL,            -- 0: written for evaluation, never published
  personalised INTEGER NOT NULL,
  status TEXT NOT NULL DEFAULT 'written'
    CHECK(status IN ('written', 'blocked', 'ready', 'approved', 'rejected', 'published')),
  UNIQUE(placement, arm));
CREATE INDEX copy_status ON copy(status);
CREATE TABLE finding(                  -- what polish found in the text as it is now
  copy INTEGER NOT NULL REFERENCES copy(id) ON DELETE CASCADE,
  rule TEXT NOT NULL,
  level TEXT NOT NULL,                 -- style, caution, evidence, error, ban
  first INTEGER NOT NULL,              -- bytes of the text
  last INTEGER NOT NULL,
  message TEXT NOT NULL,
  basis TEXT NOT NULL,
  rewrite TEXT NOT NULL);
CREATE INDEX finding_copy ON finding(copy);
CREATE TABLE decision(                 -- everything that was changed or decided after the text was written
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  copy INTEGER NOT NULL REFERENCES copy(id) ON DELETE CASCADE,
  time INTEGER NOT NULL,
  who TEXT NOT NULL,                   -- a label that was given; "polish" for automatic fixes
  action TEXT NOT NULL,                -- fix, approve, reject, edit
  before TEXT,                         -- the text, where it changed
  after TEXT,
  note TEXT NOT NULL DEFAULT '');
CREATE INDEX decision_copy ON decision(copy);

-- publish, measure -----------------------------------------------------------------------------------------

CREATE TABLE assignment(               -- which variant of a placement its user gets
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  placement INTEGER NOT NULL UNIQUE REFERENCES placement(id) ON DELETE CASCADE,
  copy INTEGER REFERENCES copy(id) ON DELETE CASCADE,  -- NULL: held out, to compare with
  run INTEGER NOT NULL REFERENCES run(id),
  policy TEXT NOT NULL,                -- uniform, thompson, contextual
  propensity REAL NOT NULL,            -- the probability with which it was drawn
  context TEXT NOT NULL,               -- what the policy knew of the user
  time INTEGER NOT NULL);
CREATE TABLE publication(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  copy INTEGER NOT NULL REFERENCES copy(id) ON DELETE CASCADE,
  target TEXT NOT NULL,                -- shopify, google-ads, sms, webhook, …
  destination TEXT NOT NULL,           -- the file, or the address without its query
  idempotency_key TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL CHECK(status IN ('pending', 'sent', 'dead')),
  attempts INTEGER NOT NULL DEFAULT 0,
  next_attempt INTEGER,                -- not before; of a request under way: when others may take it
  answer TEXT NOT NULL DEFAULT '',     -- the last one
  time INTEGER NOT NULL);              -- of the last change
CREATE INDEX publication_copy ON publication(copy);
CREATE INDEX publication_status ON publication(status, next_attempt);
CREATE TABLE outcome(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  hash INTEGER NOT NULL UNIQUE,        -- of the row, so that it counts once
  user INTEGER REFERENCES user(id) ON DELETE CASCADE,
  copy INTEGER REFERENCES copy(id) ON DELETE CASCADE,  -- NULL: of a user who was held out
  kind TEXT NOT NULL CHECK(kind IN ('impression', 'click', 'conversion', 'unsubscribe')),
  time INTEGER NOT NULL,
  value TEXT);                         -- of a conversion
CREATE INDEX outcome_copy ON outcome(copy, kind);
CREATE INDEX outcome_user ON outcome(user);
)sql";

constexpr std::array kMigrations{kVersion1};

}  // namespace

std::span<const std::string_view> migrations() { return kMigrations; }

}  // namespace adlib::copywriter
