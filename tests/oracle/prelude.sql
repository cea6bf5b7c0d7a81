-- The clean rows of every source and entity, written by hand from the words of their definitions.
--
-- All instants are local times of Asia/Shanghai (UTC+8, no daylight saving time in these years), as plain TIMESTAMPs.
-- `samples` is the folder of the CSV files. In them an empty cell is null and "" is the empty string.

CREATE MACRO csv(file) AS TABLE
  SELECT * FROM read_csv(getvariable('samples') || '/' || file, header = true, all_varchar = true,
                         quote = '"', escape = '"', delim = ',', nullstr = '', allow_quoted_nulls = false, sample_size = -1);
CREATE MACRO local_of_ms(ms) AS make_timestamp((ms::BIGINT + 8 * 3600000) * 1000);
-- the bucket of an instant; for the whole, all instants are in one
CREATE MACRO bucket_of(part, t) AS
  CASE WHEN getvariable('whole') THEN TIMESTAMP '2000-01-01' ELSE date_trunc(part, t) END;
CREATE MACRO by_hour(t) AS bucket_of('hour', t);
CREATE MACRO by_day(t) AS bucket_of('day', t);
CREATE MACRO by_week(t) AS bucket_of('week', t);
CREATE MACRO by_month(t) AS bucket_of('month', t);
-- a span of time in milliseconds
CREATE MACRO span(a, b) AS epoch_ms(a) - epoch_ms(b);
-- real division; null for a zero divisor
CREATE MACRO ratio(a, b) AS a::DOUBLE / nullif(b::DOUBLE, 0);
-- a duration is a whole number of milliseconds, rounded half to even
CREATE MACRO ms(x) AS round_even(x, 0)::BIGINT;
-- the quantile at so many thousandths: between the two neighbours of place (n - 1) * thousandths / 1000, linear
CREATE MACRO between_neighbours(sorted, whole, rest) AS
  sorted[whole + 1] + (coalesce(sorted[whole + 2], sorted[whole + 1]) - sorted[whole + 1]) * (rest / 1000);
CREATE MACRO place_in(sorted, thousandths) AS
  between_neighbours(sorted, (len(sorted) - 1) * thousandths // 1000, (len(sorted) - 1) * thousandths % 1000);
CREATE MACRO interpolated(x, thousandths) AS
  place_in(list_sort(list(x::DOUBLE) FILTER (WHERE x IS NOT NULL)), thousandths);
-- a leaf without rows in a bucket is 0, but null where the bucket lies wholly before the first row there is
CREATE MACRO leaf(value, bucket, first_row) AS
  CASE WHEN value IS NOT NULL THEN value WHEN bucket < first_row THEN NULL ELSE 0 END;

-- Entities: one row a key; of several, the smallest row.

CREATE TABLE users AS
  SELECT user_id, registered_at::TIMESTAMP AS registered_at, verified_at::TIMESTAMP AS verified_at, channel, geo_id, gender,
         birth_year::BIGINT AS birth_year, occupation, member_level, phone, email, is_abnormal::BOOLEAN AS is_abnormal
  FROM csv('dim_user.csv') WHERE user_id IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY user_id ORDER BY registered_at, verified_at, channel, geo_id, gender, birth_year,
                             occupation, member_level, phone, email, is_abnormal) = 1;
CREATE TABLE devices AS SELECT * FROM csv('dim_device.csv') WHERE device_id IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY device_id ORDER BY brand, model, os) = 1;
CREATE TABLE features AS SELECT * FROM csv('dim_feature.csv') WHERE feature_id IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY feature_id ORDER BY name, family) = 1;
CREATE TABLE channels AS SELECT * FROM csv('dim_channel.csv') WHERE channel_id IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY channel_id ORDER BY name, kind) = 1;
CREATE TABLE geos AS SELECT * FROM csv('dim_geo.csv') WHERE geo_id IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY geo_id ORDER BY country, province, city) = 1;
CREATE TABLE apis AS SELECT * FROM csv('dim_api.csv') WHERE api_id IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY api_id ORDER BY kind, qps_limit) = 1;
CREATE TABLE error_codes AS SELECT * FROM csv('dim_error_code.csv') WHERE code IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY code ORDER BY class, layer) = 1;

CREATE TABLE campaigns AS SELECT * FROM csv('dim_campaign.csv') WHERE campaign_id IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY campaign_id ORDER BY name, kind, channel, starts_at, ends_at) = 1;

-- Sources whose rows come again: the row of a key with the least time, then the smallest one.

CREATE TABLE event_rows AS
  SELECT event_id, local_of_ms(event_time) AS event_time, local_of_ms(received_at) AS received_at, event_name,
         event_version::BIGINT AS event_version, user_id, device_id, session_id, platform, app_version, geo_id, channel,
         campaign_id, utm_source, page_id, feature, stay::BIGINT AS stay, props, ip_hash
  FROM csv('event.csv');
CREATE TABLE events AS
  SELECT * FROM event_rows WHERE event_id IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY event_id ORDER BY event_time NULLS LAST, received_at, event_name, event_version,
    user_id NULLS LAST, device_id NULLS LAST, session_id NULLS LAST, platform, app_version NULLS LAST, geo_id NULLS LAST,
    channel NULLS LAST, campaign_id NULLS LAST, utm_source NULLS LAST, page_id NULLS LAST, feature NULLS LAST,
    stay NULLS LAST, props, ip_hash) = 1;
DELETE FROM events WHERE event_time IS NULL;

CREATE TABLE error_events AS
  WITH typed AS (
    SELECT event_id, local_of_ms(event_time) AS event_time, kind, page_id, app_version, error FROM csv('error_event.csv'))
  SELECT * FROM typed WHERE event_id IS NOT NULL AND event_time IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY event_id ORDER BY event_time, kind, page_id NULLS LAST, app_version NULLS LAST,
                             error NULLS LAST) = 1;

CREATE TABLE ledger AS
  WITH typed AS (
    SELECT entry_id, booked_at::TIMESTAMP AS booked_at, user_id, delta::DECIMAL(18, 4) AS delta, reason, task_id
    FROM csv('quota_ledger.csv'))
  SELECT * FROM typed WHERE entry_id IS NOT NULL AND booked_at IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY entry_id ORDER BY booked_at, user_id, delta, reason, task_id NULLS LAST) = 1;

CREATE TABLE marketing AS
  WITH typed AS (
    SELECT row_id, reported_at::TIMESTAMP AS reported_at, campaign_id, channel, cost::DECIMAL(18, 2) AS cost,
           impressions::BIGINT AS impressions, clicks::BIGINT AS clicks, installs::BIGINT AS installs,
           registrations::BIGINT AS registrations, payments::BIGINT AS payments, revenue::DECIMAL(18, 2) AS revenue
    FROM csv('marketing.csv'))
  SELECT * FROM typed WHERE row_id IS NOT NULL AND reported_at IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY row_id ORDER BY reported_at, campaign_id, channel, cost, impressions, clicks,
                             installs, registrations, payments, revenue) = 1;

CREATE TABLE surveys AS
  WITH typed AS (
    SELECT survey_id, answered_at::TIMESTAMP AS answered_at, kind, score::BIGINT AS score, user_id, comment
    FROM csv('survey.csv'))
  SELECT * FROM typed WHERE survey_id IS NOT NULL AND answered_at IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY survey_id ORDER BY answered_at, kind, score, user_id NULLS LAST,
                             comment NULLS LAST) = 1;

CREATE TABLE page_loads AS
  WITH typed AS (
    SELECT event_id, local_of_ms(event_time) AS event_time, page_id, platform, ttfb::BIGINT AS ttfb, fcp::BIGINT AS fcp,
           lcp::BIGINT AS lcp, cls::DOUBLE AS cls
    FROM csv('perf_page.csv'))
  SELECT * FROM typed WHERE event_id IS NOT NULL AND event_time IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY event_id ORDER BY event_time, page_id, platform, ttfb NULLS LAST, fcp NULLS LAST,
                             lcp NULLS LAST, cls NULLS LAST) = 1;

CREATE TABLE task_runs AS
  WITH typed AS (
    SELECT task_id, local_of_ms(event_time) AS event_time, feature, queue::BIGINT AS queue, infer::BIGINT AS infer,
           retries::BIGINT AS retries
    FROM csv('perf_task.csv'))
  SELECT * FROM typed WHERE task_id IS NOT NULL AND event_time IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY task_id ORDER BY event_time, feature, queue, infer NULLS LAST, retries) = 1;

CREATE TABLE exposures AS
  WITH typed AS (
    SELECT exposure_id, local_of_ms(exposed_at) AS exposed_at, user_id, experiment, variant, client
    FROM csv('experiment_exposure.csv'))
  SELECT * FROM typed WHERE exposure_id IS NOT NULL AND exposed_at IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY exposure_id ORDER BY exposed_at, user_id, experiment, variant, client) = 1;

CREATE TABLE replays AS
  WITH typed AS (
    SELECT replay_id, replayed_at::TIMESTAMP AS replayed_at, dataset, row_key, outcome FROM csv('replay.csv'))
  SELECT * FROM typed WHERE replay_id IS NOT NULL AND replayed_at IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY replay_id ORDER BY replayed_at, dataset, row_key, outcome) = 1;

-- Sources whose rows are updated: the row of a key with the greatest updated_at, then the smallest one.

CREATE TABLE task_rows AS
  SELECT task_id, submitted_at::TIMESTAMP AS submitted_at, updated_at::TIMESTAMP AS updated_at,
         finished_at::TIMESTAMP AS finished_at, user_id, feature, client, status, error, queue::BIGINT AS queue,
         infer::BIGINT AS infer, quota_cost::DECIMAL(18, 4) AS quota_cost
  FROM csv('task.csv');
CREATE TABLE tasks AS
  SELECT * FROM task_rows WHERE task_id IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY task_id ORDER BY updated_at DESC NULLS LAST, submitted_at, finished_at NULLS LAST,
    user_id, feature, client, status, error NULLS LAST, queue NULLS LAST, infer NULLS LAST, quota_cost) = 1;
DELETE FROM tasks WHERE submitted_at IS NULL;

CREATE TABLE orders AS
  WITH typed AS (
    SELECT order_id, created_at::TIMESTAMP AS created_at, paid_at::TIMESTAMP AS paid_at,
           refunded_at::TIMESTAMP AS refunded_at, updated_at::TIMESTAMP AS updated_at, user_id, client, product_type, coupon,
           amount::DECIMAL(18, 2) AS amount, pay_amount::DECIMAL(18, 2) AS pay_amount, refund::DECIMAL(18, 2) AS refund, status
    FROM csv('order.csv'))
  SELECT * FROM typed WHERE order_id IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY updated_at DESC NULLS LAST, created_at, paid_at NULLS LAST,
    refunded_at NULLS LAST, user_id, client, product_type, coupon NULLS LAST, amount, pay_amount, refund NULLS LAST,
    status) = 1;
DELETE FROM orders WHERE created_at IS NULL;

CREATE TABLE tickets AS
  WITH typed AS (
    SELECT ticket_id, opened_at::TIMESTAMP AS opened_at, first_reply_at::TIMESTAMP AS first_reply_at,
           resolved_at::TIMESTAMP AS resolved_at, updated_at::TIMESTAMP AS updated_at, user_id, topic,
           contacts::BIGINT AS contacts
    FROM csv('ticket.csv'))
  SELECT * FROM typed WHERE ticket_id IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY ticket_id ORDER BY updated_at DESC NULLS LAST, opened_at,
    first_reply_at NULLS LAST, resolved_at NULLS LAST, user_id NULLS LAST, topic NULLS LAST, contacts) = 1;
DELETE FROM tickets WHERE opened_at IS NULL;

CREATE TABLE terms AS
  WITH typed AS (
    SELECT term_id, user_id, level, started_at::TIMESTAMP AS started_at, ends_at::TIMESTAMP AS ends_at,
           renewed_at::TIMESTAMP AS renewed_at, updated_at::TIMESTAMP AS updated_at, order_id
    FROM csv('membership.csv'))
  SELECT * FROM typed WHERE term_id IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY term_id ORDER BY updated_at DESC NULLS LAST, user_id, level, started_at, ends_at,
    renewed_at NULLS LAST, order_id NULLS LAST) = 1;
DELETE FROM terms WHERE started_at IS NULL;

CREATE TABLE touches AS
  WITH typed AS (
    SELECT touch_id, local_of_ms(touched_at) AS touched_at, local_of_ms(updated_at) AS updated_at, kind, device_id, user_id,
           channel, campaign_id, ad_group, creative
    FROM csv('channel_touch.csv'))
  SELECT * FROM typed WHERE touch_id IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY touch_id ORDER BY updated_at DESC NULLS LAST, touched_at, kind,
    device_id NULLS LAST, user_id NULLS LAST, channel NULLS LAST, campaign_id NULLS LAST, ad_group NULLS LAST,
    creative NULLS LAST) = 1;
DELETE FROM touches WHERE touched_at IS NULL;

CREATE TABLE assignments AS
  WITH typed AS (
    SELECT assignment_id, assigned_at::TIMESTAMP AS assigned_at, updated_at::TIMESTAMP AS updated_at, user_id, campaign_id,
           arm, joined_at::TIMESTAMP AS joined_at
    FROM csv('campaign_user.csv'))
  SELECT * FROM typed WHERE assignment_id IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY assignment_id ORDER BY updated_at DESC NULLS LAST, assigned_at, user_id,
    campaign_id, arm, joined_at NULLS LAST) = 1;
DELETE FROM assignments WHERE assigned_at IS NULL;

-- Sources without a key: every row with a time counts.

CREATE TABLE calls AS
  SELECT local_of_ms(event_time) AS event_time, api_id, instance, zone, latency::BIGINT AS latency, status::BIGINT AS status,
         timed_out::BOOLEAN AS timed_out, error
  FROM csv('perf_api.csv') WHERE event_time IS NOT NULL;

CREATE TABLE machine_samples AS
  SELECT sampled_at::TIMESTAMP AS sampled_at, instance, zone, cpu::DOUBLE AS cpu, memory::DOUBLE AS memory,
         disk::DOUBLE AS disk, bandwidth::DOUBLE AS bandwidth, gpu::DOUBLE AS gpu, queue_backlog::BIGINT AS queue_backlog,
         cache_hits::BIGINT AS cache_hits, cache_requests::BIGINT AS cache_requests
  FROM csv('resource_usage.csv') WHERE sampled_at IS NOT NULL;

-- What several metrics speak of.

-- Any effective event of an account that is not abnormal; an account that is not known is not abnormal.
CREATE VIEW active AS
  SELECT e.*, u.registered_at, u.channel AS home_channel, u.member_level
  FROM events e LEFT JOIN users u ON u.user_id = e.user_id
  WHERE e.event_name IN ('login', 'feature_invoke', 'submit_task', 'place_order', 'pay_success')
    AND coalesce(u.is_abnormal, false) = false;

-- Registered and verified on the same local day, not abnormal.
CREATE VIEW registered AS
  SELECT e.*, u.channel AS home_channel
  FROM events e LEFT JOIN users u ON u.user_id = e.user_id
  WHERE e.event_name = 'register_success' AND u.verified_at::DATE = e.event_time::DATE
    AND coalesce(u.is_abnormal, false) = false;

CREATE VIEW paid AS
  SELECT o.*, u.channel AS home_channel
  FROM orders o LEFT JOIN users u ON u.user_id = o.user_id WHERE o.paid_at IS NOT NULL;

CREATE VIEW refunded AS SELECT * FROM orders WHERE refunded_at IS NOT NULL AND refund > 0;

-- First ones of all history: the least time, then the least key.
CREATE VIEW first_paid AS
  SELECT * FROM paid QUALIFY row_number() OVER (PARTITION BY user_id ORDER BY paid_at, order_id) = 1;
CREATE VIEW first_terms AS
  SELECT * FROM terms WHERE level IN ('monthly', 'yearly')
  QUALIFY row_number() OVER (PARTITION BY user_id ORDER BY started_at, term_id) = 1;
CREATE VIEW first_assignments AS
  SELECT * FROM assignments
  QUALIFY row_number() OVER (PARTITION BY user_id, campaign_id ORDER BY assigned_at, assignment_id) = 1;

-- Visits of users who are not abnormal: a pause of more than 30 minutes begins another one.
CREATE VIEW visits AS
  WITH own AS (
    SELECT e.user_id, e.event_time FROM events e LEFT JOIN users u ON u.user_id = e.user_id
    WHERE e.user_id IS NOT NULL AND coalesce(u.is_abnormal, false) = false),
  marked AS (
    SELECT *, coalesce(span(event_time, lag(event_time) OVER (PARTITION BY user_id ORDER BY event_time)) > 1800000, true) AS begins
    FROM own),
  numbered AS (
    SELECT *, sum(begins::BIGINT) OVER (PARTITION BY user_id ORDER BY event_time ROWS UNBOUNDED PRECEDING) AS visit FROM marked)
  SELECT user_id, min(event_time) AS started_at, max(event_time) AS ended_at, count(*) AS rows
  FROM numbered GROUP BY user_id, visit;
