//! What the world is made of: channels, features, places, APIs, error codes, and text that breaks careless readers.

/// `(channel_id, name, kind)` and its share of registrations.
///
/// Nobody registers by a message: they go to users we have.
pub(super) const CHANNELS: [(&str, &str, &str, u32); 8] = [
    ("organic", "自然流量", "organic", 34),
    ("app_store", "App Store", "store", 16),
    ("huawei_store", "华为应用市场", "store", 12),
    ("ads_feed", "信息流广告", "ads", 16),
    ("ads_search", "搜索广告", "ads", 10),
    ("partner_browser", "联运 · 浏览器", "partner", 6),
    ("fall_campaign", "秋季活动, \"变装季\"", "campaign", 6),
    (PUSH, "短信与推送", "campaign", 0),
];

/// The channel of messages to users we have.
pub(super) const PUSH: &str = "push";

/// `(campaign_id, its channel, cost of an install in 0.01 CNY)`.
pub(super) const CAMPAIGNS: [(&str, &str, i64); 3] =
    [("cmp_feed_01", "ads_feed", 1_150), ("cmp_search_01", "ads_search", 1_600), ("cmp_fall", "fall_campaign", 700)];

/// A feature: id, name, family, share of tasks, cost in 0.0001 quota, usual inference in milliseconds.
pub(super) struct Feature {
    pub id: &'static str,
    pub name: &'static str,
    pub family: &'static str,
    pub weight: u32,
    pub cost: i64,
    pub infer: i64,
}

const fn feature(
    id: &'static str,
    name: &'static str,
    family: &'static str,
    weight: u32,
    cost: i64,
    infer: i64,
) -> Feature {
    Feature { id, name, family, weight, cost, infer }
}

/// Place of the feature that fails in the incident.
pub(super) const FACE_SWAP: usize = 3;

/// The last one is in test, and not in the dictionary yet.
pub(super) const FEATURES: [Feature; 7] = [
    feature("remove_bg", "抠图", "cutout", 34, 10_000, 900),
    feature("magic_eraser", "消除笔", "cutout", 18, 5_000, 1_200),
    feature("outfit_swap", "换装", "portrait", 14, 25_000, 3_800),
    feature("face_swap", "换脸", "portrait", 15, 20_000, 2_900),
    feature("expand", "扩图", "canvas", 10, 12_500, 3_200),
    feature("upscale", "高清放大 2×", "canvas", 8, 1_250, 1_500),
    feature("beta_sticker", "", "other", 1, 2_500, 700),
];

/// `(geo_id, country, province, city)` and how many people live there.
pub(super) const PLACES: [(&str, &str, &str, &str, u32); 14] = [
    ("g110000", "中国", "北京市", "北京市", 11),
    ("g310000", "中国", "上海市", "上海市", 13),
    ("g440100", "中国", "广东省", "广州市", 9),
    ("g440300", "中国", "广东省", "深圳市", 12),
    ("g330100", "中国", "浙江省", "杭州市", 10),
    ("g330200", "中国", "浙江省", "宁波市", 4),
    ("g320500", "中国", "江苏省", "苏州市", 7),
    ("g510100", "中国", "四川省", "成都市", 9),
    ("g610100", "中国", "陕西省", "西安市", 5),
    ("g420100", "中国", "湖北省", "武汉市", 6),
    ("g810000", "中国", "香港特别行政区", "香港", 3),
    ("gSG", "Singapore", "Singapore", "Singapore", 3),
    ("gDC", "United States", "Washington, D.C.", "Washington, D.C.", 1),
    ("gCI", "Côte d'Ivoire", "Abidjan", "Abidjan", 1),
];

/// `(api_id, kind, qps_limit)`; the last one is not in the dictionary.
pub(super) const APIS: [(&str, &str, i64); 9] = [
    ("works.list", "read", 400),
    ("profile.get", "read", 400),
    ("task.get", "read", 800),
    ("task.submit", "write", 120),
    ("order.create", "write", 60),
    ("infer.cutout", "inference", 60),
    ("infer.portrait", "inference", 40),
    ("infer.canvas", "inference", 40),
    ("legacy.ping", "other", 0),
];

/// `(code, class, layer)`. `E999` occurs and is not among them.
pub(super) const ERROR_CODES: [(&str, &str, &str); 9] = [
    ("M500", "model", "business"),
    ("M501", "model", "business"),
    ("T408", "timeout", "http"),
    ("T504", "timeout", "http"),
    ("B402", "balance", "business"),
    ("C499", "user_cancel", "business"),
    ("H500", "other", "http"),
    ("H503", "other", "http"),
    ("X001", "other", "business"),
];

/// `(brand, model)` by platform: web, ios, android, api.
pub(super) const MODELS: [&[(&str, &str)]; 4] = [
    &[
        ("Chrome", "Chrome on Windows"),
        ("Chrome", "Chrome on macOS"),
        ("Edge", "Edge on Windows"),
        ("Safari", "Safari"),
    ],
    &[("Apple", "iPhone 15"), ("Apple", "iPhone 16 Pro"), ("Apple", "iPad Air")],
    &[("Huawei", "Mate 60"), ("Xiaomi", "小米 14"), ("OPPO", "Find X7"), ("vivo", "X100"), ("Honor", "Magic6")],
    &[("SDK", "python"), ("SDK", "node")],
];

pub(super) const PLATFORMS: [&str; 4] = ["web", "ios", "android", "api"];
pub(super) const OS: [&str; 4] = ["desktop", "iOS", "Android", "server"];
pub(super) const VERSIONS: [&str; 5] = ["5.2.0", "5.3.1", "6.0.0", "6.1.0-rc.1", "6.1.0"];
pub(super) const PAGES: [&str; 6] = ["home", "editor", "gallery", "pricing", "works", "help"];
pub(super) const NETWORKS: [&str; 4] = ["wifi", "5g", "4g", "ethernet"];
pub(super) const CLICKS: [&str; 3] = ["click_banner", "click_upgrade", "click_template"];
pub(super) const SHARES: [&str; 2] = ["share_link", "share_image"];

pub(super) const OCCUPATIONS: [&str; 8] =
    ["学生", "设计师", "电商运营", "摄影师", "teacher", "self-employed, \"maker\"", "O'Brien & Sons", ""];

pub(super) const UTM_SOURCES: [&str; 10] = [
    "wechat",
    "douyin",
    "newsletter",
    "小红书",
    "a,b",
    "say \"hi\"",
    "line one\nline two",
    "'; DROP TABLE users; --",
    "",
    "😀 ",
];

pub(super) const UTM_MEDIUMS: [&str; 4] = ["social", "email", "cpc", "qr"];
pub(super) const UTM_CAMPAIGNS: [&str; 3] = ["autumn", "back-to-school", "双11 预热"];
pub(super) const REFERRERS: [&str; 4] = ["search.example", "news.example/a?b=c&d=e", "论坛.example", ""];
pub(super) const AD_GROUPS: [&str; 3] = ["lookalike", "interest, design", "重定向"];
pub(super) const CREATIVES: [&str; 4] = ["video-15s", "before/after", "达人 · 测评", "50% off; today"];

pub(super) const COUPONS: [&str; 4] = ["NEW10", "双11-满减", "50% off, \"friends\"", ""];

pub(super) const TOPICS: [&str; 6] = ["refund", "quality", "login", "发票", "billing, \"double charge\"", "结果\n不对"];

pub(super) const COMMENTS: [&str; 8] = [
    "很好用，谢谢！",
    "too slow",
    "NULL",
    "\\N",
    "tab\there, comma",
    "Line 1\r\nLine 2",
    "\u{202e}right to left",
    "a very \"quoted\", text; with 'everything' \\ in it | and more",
];
