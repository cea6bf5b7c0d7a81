#[path = "../benches/support/library.rs"]
#[allow(dead_code)]
mod library;
use std::time::Instant;
#[test]
fn speed() {
    for n in [100usize, 1000, 5000] {
        let folder = tempfile::tempdir().unwrap();
        library::write(folder.path(), n).unwrap();
        for round in 0..3 {
            let t = Instant::now();
            let (project, _) = metricc::project::load(&metricc::project::DiskFiles::new(folder.path()));
            let project = project.unwrap();
            let load = t.elapsed();
            let (compiled, d) = metricc::compile::compile(&project);
            let comp = t.elapsed() - load;
            assert!(!d.has_errors());
            let (input, d) = metricc::emit::input(&compiled.model);
            assert!(!d.has_errors(), "{d:?}");
            let plan = t.elapsed() - load - comp;
            let settings = metricc::project::ClickhouseTarget { create_sources: true, ..Default::default() };
            let name = metricc::diagnostic::Spanned::new("warehouse".to_owned(), metricc::diagnostic::Span::new(metricc::diagnostic::FileId(0), 0, 0));
            let target = metricc::project::Target { file: metricc::diagnostic::FileId(0), name, settings: metricc::project::TargetSettings::Clickhouse(settings) };
            let t2 = Instant::now();
            let (emitted, d) = metricc::emit::emit(&input, &target);
            assert!(!d.has_errors(), "{:?}", d.iter().next());
            let e = t2.elapsed();
            let bytes: usize = emitted.artifacts.iter().map(|a| a.text.len()).sum();
            println!("{n} round {round}: load {load:?} compile {comp:?} plan {plan:?} emit {e:?} views {} bytes {bytes} files {}", input.metrics.len(), emitted.artifacts.len());
            if n == 100 && round == 0 { for a in &emitted.artifacts { if a.path.contains("40_") { println!("{}", &a.text[..3000.min(a.text.len())]); break; } } }
        }
    }
}
