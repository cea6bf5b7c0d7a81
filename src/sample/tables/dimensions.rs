//! The entities.

use super::super::World;
use super::super::dictionary::{APIS, CHANNELS, ERROR_CODES, FEATURES, OS, PLACES};
use super::super::people;
use super::super::table::{Field, Kind, RowSink, SampleError, TableDef};
use super::{col, instant, opt};

pub(super) const USER: TableDef = TableDef {
    name: "user",
    file: "dim_user",
    columns: &[
        col("user_id", Kind::Text),
        col("registered_at", Kind::Timestamp),
        opt("verified_at", Kind::Timestamp),
        opt("channel", Kind::Text),
        opt("geo_id", Kind::Text),
        opt("gender", Kind::Text),
        opt("birth_year", Kind::Int),
        opt("occupation", Kind::Text),
        opt("member_level", Kind::Text),
        opt("phone", Kind::Text),
        opt("email", Kind::Text),
        col("is_abnormal", Kind::Bool),
    ],
    write: users,
};

fn users(world: &World, sink: &mut dyn RowSink) -> Result<(), SampleError> {
    for number in 0..world.users() {
        let user = world.user(number);
        let id = people::user_id(number);
        // made up on purpose: no such number, no such host
        let phone = user.reachable_by_phone.then(|| format!("000-{:08}", number % 100_000_000));
        let email = (!user.reachable_by_phone).then(|| format!("{id}@example.com"));
        sink.row(&[
            Field::from(&id),
            Field::Instant(user.habit.registered_at),
            instant(user.verified_at),
            user.channel.into(),
            user.geo.into(),
            user.gender.into(),
            user.birth_year.into(),
            user.occupation.into(),
            user.level.into(),
            phone.as_deref().into(),
            email.as_deref().into(),
            user.habit.abnormal.into(),
        ])?;
    }
    Ok(())
}

pub(super) const DEVICE: TableDef = TableDef {
    name: "device",
    file: "dim_device",
    columns: &[col("device_id", Kind::Text), opt("brand", Kind::Text), opt("model", Kind::Text), opt("os", Kind::Text)],
    write: devices,
};

fn devices(world: &World, sink: &mut dyn RowSink) -> Result<(), SampleError> {
    let mut put = |id: &str, number: u64, kind: u64, platform: usize| {
        let (brand, model) = world.device_model(number, kind, platform);
        let os = brand.map(|_| OS[platform]);
        sink.row(&[Field::Text(id), brand.into(), model.into(), os.into()])
    };
    for number in 0..world.users() {
        let platform = world.habit(number).platform;
        put(&people::device_of_user(number, false), number, 1, platform)?;
        if world.second_device(number) {
            put(&people::device_of_user(number, true), number, 2, usize::from(platform == 0))?;
        }
    }
    for number in 0..world.visitors(world.days() - 1).end {
        // of some visitors the dictionary has not heard yet
        if number % 12 != 7 {
            put(&people::device_of_visitor(number), number, 3, (number % 3) as usize)?;
        }
    }
    Ok(())
}

pub(super) const FEATURE: TableDef = TableDef {
    name: "feature",
    file: "dim_feature",
    columns: &[col("feature_id", Kind::Text), col("name", Kind::Text), col("family", Kind::Text)],
    write: |_, sink| {
        let known = FEATURES.iter().filter(|f| !f.name.is_empty());
        known.into_iter().try_for_each(|f| sink.row(&[f.id.into(), f.name.into(), f.family.into()]))
    },
};

pub(super) const CHANNEL: TableDef = TableDef {
    name: "channel",
    file: "dim_channel",
    columns: &[col("channel_id", Kind::Text), col("name", Kind::Text), col("kind", Kind::Text)],
    write: |_, sink| {
        CHANNELS.iter().try_for_each(|(id, name, kind, _)| sink.row(&[(*id).into(), (*name).into(), (*kind).into()]))
    },
};

pub(super) const GEO: TableDef = TableDef {
    name: "geo",
    file: "dim_geo",
    columns: &[
        col("geo_id", Kind::Text),
        col("country", Kind::Text),
        col("province", Kind::Text),
        col("city", Kind::Text),
    ],
    write: |_, sink| {
        PLACES.iter().try_for_each(|(id, country, province, city, _)| {
            sink.row(&[(*id).into(), (*country).into(), (*province).into(), (*city).into()])
        })
    },
};

pub(super) const API: TableDef = TableDef {
    name: "api",
    file: "dim_api",
    columns: &[col("api_id", Kind::Text), col("kind", Kind::Text), col("qps_limit", Kind::Int)],
    write: |_, sink| {
        let known = APIS.iter().filter(|(_, kind, _)| *kind != "other");
        known.into_iter().try_for_each(|(id, kind, limit)| sink.row(&[(*id).into(), (*kind).into(), (*limit).into()]))
    },
};

pub(super) const ERROR_CODE: TableDef = TableDef {
    name: "error_code",
    file: "dim_error_code",
    columns: &[col("code", Kind::Text), col("class", Kind::Text), col("layer", Kind::Text)],
    write: |_, sink| {
        ERROR_CODES
            .iter()
            .try_for_each(|(code, class, layer)| sink.row(&[(*code).into(), (*class).into(), (*layer).into()]))
    },
};
