# Each target installs what it needs on a fresh machine and is quick the second time.
.DEFAULT_GOAL := help
.PHONY: help setup demo up test check bench web server fix docs python python-clients python-bench python-lock clean

node := .tools/bin/node --disable-warning=ExperimentalWarning

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup python web server ## carry a real model round the whole loop on real flights, then leave the UI open
	@exec $(node) examples/flights/demo.ts

up: setup web server ## start the server, empty, on http://127.0.0.1:7600
	@exec bin/millrace up

test: check python-clients web server ## run every check and every test, installing what they need
	@exec $(node) scripts/test.ts

check: setup ## formatting, lint, types, architecture, generated files up to date
	@sh scripts/check.sh

bench: setup python-bench web server ## run the benchmarks and print their ratios
	@exec $(node) bench/run.ts

setup: ## fetch Node 24 and the locked npm packages
	@sh scripts/bootstrap.sh

web: setup ## build the web app when its sources changed
	@sh scripts/web.sh

server: setup ## bundle the server when its sources changed
	@sh scripts/server.sh

python: ## make .venv from python/requirements.txt
	@sh scripts/venv.sh

python-clients: python ## make .venv-mlflow2, -oip and -serving too, the other clients that the tests run
	@for name in mlflow2 oip serving; do sh scripts/venv.sh $$name || exit 1; done

python-bench: python ## make .venv-bench and -serving too, the peers that benchmarks run
	@for name in bench serving; do sh scripts/venv.sh $$name || exit 1; done

fix: setup ## format, and apply the safe lint fixes
	@$(node) node_modules/@biomejs/biome/bin/biome check --write .

docs: setup ## write the generated pages: docs/errors.md, docs/settings.md, docs/openapi.json
	@$(node) scripts/errors-doc.ts
	@$(node) scripts/settings-doc.ts
	@$(node) scripts/openapi.ts

python-lock: python ## resolve each python/*.in into the *.txt beside it
	@.venv/bin/python -m pip install --quiet uv==0.13.8
	@for name in requirements mlflow2 bench oip serving; do \
		.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
			--custom-compile-command 'make python-lock' python/$$name.in --output-file python/$$name.txt || exit 1; \
	done

clean: ## remove builds and caches, and keep installed tools and data
	@rm -rf dist web/dist .cache
