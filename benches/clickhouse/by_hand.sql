-- The layout of metrics/calls.metric as someone who knows ClickHouse writes it: the same states at the same steps, by the same rules.
CREATE DATABASE bench_hand;

CREATE TABLE bench_hand.call
(
    called_at DateTime64(3, 'Asia/Shanghai'),
    user_id Int64,
    platform LowCardinality(String),
    feature LowCardinality(String),
    status LowCardinality(String),
    latency Int64,
    paid Decimal(18, 2)
)
ENGINE = MergeTree PARTITION BY toYYYYMM(called_at) ORDER BY called_at
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE bench_hand.call_1m
(
    t DateTime('Asia/Shanghai') CODEC(Delta, ZSTD(1)),
    platform LowCardinality(String),
    feature LowCardinality(String),
    calls SimpleAggregateFunction(sum, UInt64),
    failed SimpleAggregateFunction(sum, UInt64),
    ok SimpleAggregateFunction(sum, UInt64),
    paid SimpleAggregateFunction(sum, Decimal(38, 2)),
    latency SimpleAggregateFunction(sum, Int64),
    latency_max SimpleAggregateFunction(max, Int64)
)
ENGINE = AggregatingMergeTree PARTITION BY toYYYYMM(t) ORDER BY (t, platform, feature)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE MATERIALIZED VIEW bench_hand.call_1m_mv TO bench_hand.call_1m AS
SELECT
    toStartOfMinute(c.called_at, 'Asia/Shanghai') AS t, c.platform AS platform, c.feature AS feature,
    count() AS calls, countIf(c.status = 'failed') AS failed, countIf(c.status = 'ok') AS ok,
    sumIf(c.paid, c.status = 'ok') AS paid, sum(c.latency) AS latency, max(c.latency) AS latency_max
FROM bench_hand.call AS c GROUP BY t, platform, feature;

CREATE TABLE bench_hand.call_1h AS bench_hand.call_1m
ENGINE = AggregatingMergeTree PARTITION BY toYYYYMM(t) ORDER BY (t, platform, feature)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE MATERIALIZED VIEW bench_hand.call_1h_mv TO bench_hand.call_1h AS
SELECT
    toStartOfHour(m.t, 'Asia/Shanghai') AS t, m.platform AS platform, m.feature AS feature, sum(m.calls) AS calls,
    sum(m.failed) AS failed, sum(m.ok) AS ok, sum(m.paid) AS paid, sum(m.latency) AS latency, max(m.latency_max) AS latency_max
FROM bench_hand.call_1m AS m GROUP BY toStartOfHour(m.t, 'Asia/Shanghai'), m.platform, m.feature;

CREATE TABLE bench_hand.call_1d
(
    t Date CODEC(Delta, ZSTD(1)),
    platform LowCardinality(String),
    feature LowCardinality(String),
    calls SimpleAggregateFunction(sum, UInt64),
    failed SimpleAggregateFunction(sum, UInt64),
    ok SimpleAggregateFunction(sum, UInt64),
    paid SimpleAggregateFunction(sum, Decimal(38, 2)),
    latency SimpleAggregateFunction(sum, Int64),
    latency_max SimpleAggregateFunction(max, Int64)
)
ENGINE = AggregatingMergeTree PARTITION BY toYYYYMM(t) ORDER BY (t, platform, feature)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE MATERIALIZED VIEW bench_hand.call_1d_mv TO bench_hand.call_1d AS
SELECT
    toDate(h.t, 'Asia/Shanghai') AS t, h.platform AS platform, h.feature AS feature, sum(h.calls) AS calls,
    sum(h.failed) AS failed, sum(h.ok) AS ok, sum(h.paid) AS paid, sum(h.latency) AS latency, max(h.latency_max) AS latency_max
FROM bench_hand.call_1h AS h GROUP BY toDate(h.t, 'Asia/Shanghai'), h.platform, h.feature;

CREATE TABLE bench_hand.callers_1h
(
    t DateTime('Asia/Shanghai') CODEC(Delta, ZSTD(1)),
    platform LowCardinality(String),
    callers AggregateFunction(uniqExact, Int64) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree PARTITION BY toYYYYMM(t) ORDER BY (t, platform)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE MATERIALIZED VIEW bench_hand.callers_1h_mv TO bench_hand.callers_1h AS
SELECT toStartOfHour(c.called_at, 'Asia/Shanghai') AS t, c.platform AS platform, uniqExactState(c.user_id) AS callers
FROM bench_hand.call AS c GROUP BY t, platform;

CREATE TABLE bench_hand.callers_1d
(
    t Date CODEC(Delta, ZSTD(1)),
    platform LowCardinality(String),
    callers AggregateFunction(uniqExact, Int64) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree PARTITION BY toYYYYMM(t) ORDER BY (t, platform)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE MATERIALIZED VIEW bench_hand.callers_1d_mv TO bench_hand.callers_1d AS
SELECT toDate(h.t, 'Asia/Shanghai') AS t, h.platform AS platform, uniqExactMergeState(h.callers) AS callers
FROM bench_hand.callers_1h AS h GROUP BY toDate(h.t, 'Asia/Shanghai'), h.platform;

CREATE TABLE bench_hand.estimates_1h
(
    t DateTime('Asia/Shanghai') CODEC(Delta, ZSTD(1)),
    platform LowCardinality(String),
    feature LowCardinality(String),
    callers AggregateFunction(uniqCombined64(17), Int64) CODEC(ZSTD(1)),
    latency AggregateFunction(quantileTDigest(0.95), Float64) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree PARTITION BY toYYYYMM(t) ORDER BY (t, platform, feature)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE MATERIALIZED VIEW bench_hand.estimates_1h_mv TO bench_hand.estimates_1h AS
SELECT
    toStartOfHour(c.called_at, 'Asia/Shanghai') AS t, c.platform AS platform, c.feature AS feature,
    uniqCombined64State(17)(c.user_id) AS callers, quantileTDigestState(0.95)(toFloat64(c.latency)) AS latency
FROM bench_hand.call AS c GROUP BY t, platform, feature;

CREATE TABLE bench_hand.estimates_1d
(
    t Date CODEC(Delta, ZSTD(1)),
    platform LowCardinality(String),
    feature LowCardinality(String),
    callers AggregateFunction(uniqCombined64(17), Int64) CODEC(ZSTD(1)),
    latency AggregateFunction(quantileTDigest(0.95), Float64) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree PARTITION BY toYYYYMM(t) ORDER BY (t, platform, feature)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE MATERIALIZED VIEW bench_hand.estimates_1d_mv TO bench_hand.estimates_1d AS
SELECT
    toDate(h.t, 'Asia/Shanghai') AS t, h.platform AS platform, h.feature AS feature,
    uniqCombined64MergeState(17)(h.callers) AS callers, quantileTDigestMergeState(0.95)(h.latency) AS latency
FROM bench_hand.estimates_1h AS h GROUP BY toDate(h.t, 'Asia/Shanghai'), h.platform, h.feature;
