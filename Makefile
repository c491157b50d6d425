# Thin on purpose: each target is a few lines, scripts stand beside what they serve.
.PHONY: demo test fuzz layer bench chaos loss

CARGO ?= cargo
BIN   := $(or $(CARGO_TARGET_DIR),target)/debug

# Local stack + sample functions under the Lambda emulator + what the viewer shows of them. KEEP=1 leaves the stack up.
demo:
	@echo "building (first time: two to four minutes) ..."
	@$(CARGO) build --workspace --bins
	@$(BIN)/demo $(if $(KEEP),--keep)

# Format, lints, every test, all on the real engine; each fuzz target on inputs that are the same every time.
test:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(CARGO) build --workspace --bins --locked
	INSTA_UPDATE=no $(CARGO) test --workspace --locked
	tests/fuzz/run.sh 2000x

# Each fuzz target for a minute, or the one that is named for as long as is wished: make fuzz TARGET=log_lines SECONDS=600
fuzz:
	tests/fuzz/run.sh $(or $(SECONDS),60) $(TARGET)

# The layer as Lambda takes it, for both processors: target/layer/lambdaview-extension-{x86_64,arm64}.zip; proves that each runs.
layer:
	python3 extension/layer/layer.py

# Figures beside their aims: start, memory, CPU, holds, a dead backend, size, first row of tail, what each question reads in tables
# of 2 and 20 million rows. EXTENSION=path measures another binary; LONG=1 watches memory over 100,000 invocations; ROWS=n for a smaller table.
bench:
	# One by one: built together each would have the features of both.
	$(CARGO) build --release --locked -p lambdaview-extension
	$(CARGO) build --release --locked -p lambdaview
	$(CARGO) build --locked --workspace --bins
	$(CARGO) bench --locked -p lambdaview --bench frame
	$(BIN)/bench $(if $(EXTENSION),--extension $(EXTENSION)) $(if $(LONG),--long) $(if $(ROWS),--rows $(ROWS))

# Outages, kills, freezes and odd records for MINUTES (2), by SEED, in one LANE or all; says which promises broke.
chaos:
	$(CARGO) build --locked --workspace --bins
	$(BIN)/chaos $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(LANE),--lane "$(LANE)") $(if $(EXTENSION),--extension $(EXTENSION))

# What is written is printed once each, for SECONDS (60) at ROWS (5,000) a second, through restarts and standstills; prints how long it took.
loss:
	$(CARGO) build --locked --workspace --bins
	LOSS_SECONDS=$(or $(SECONDS),60) LOSS_ROWS=$(or $(ROWS),5000) $(CARGO) test --locked -p lambdaview-tests --test it -- loss:: --nocapture --test-threads 1
