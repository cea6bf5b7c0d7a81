//! Runs plans on sample data. The only folder that knows the engine.

mod functions;
