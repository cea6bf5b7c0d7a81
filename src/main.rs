fn main() -> std::process::ExitCode {
    metricc::cli::main()
}
