/** How one family of exporters names what MLflow's readers look for. Keys are of attributes; the first that is set counts. */
export interface Convention {
  /** What kind of step a span is: the attribute, and MLflow's type for each of its values. */
  readonly kind?: { readonly keys: readonly string[]; readonly types: Readonly<Record<string, string>> };
  readonly inputs?: readonly (string | RegExp)[];
  readonly outputs?: readonly (string | RegExp)[];
  readonly tokens?: {
    readonly input: readonly string[];
    readonly output: readonly string[];
    readonly total?: readonly string[];
    readonly cacheRead?: readonly string[];
    readonly cacheCreation?: readonly string[];
  };
  readonly model?: readonly string[];
  readonly provider?: readonly string[];
  readonly tools?: readonly string[];
  /** The layout of chat messages, when an attribute of this name or prefix is there. */
  readonly messageFormat?: { readonly name: string; readonly prefixes: readonly string[] };
}

const genAiTokens = {
  input: ['gen_ai.usage.input_tokens'],
  output: ['gen_ai.usage.output_tokens'],
  cacheRead: ['gen_ai.usage.cache_read.input_tokens'],
  cacheCreation: [
    'gen_ai.usage.cache_write.input_tokens',
    // The name before the registry of generative AI was a repository of its own.
    'gen_ai.usage.cache_creation.input_tokens',
  ],
};
const genAiModel = ['gen_ai.response.model', 'gen_ai.request.model'];

/** https://github.com/Arize-ai/openinference (`python/openinference-semantic-conventions`). */
const openInference: Convention = {
  kind: {
    keys: ['openinference.span.kind'],
    types: {
      TOOL: 'TOOL',
      CHAIN: 'CHAIN',
      LLM: 'LLM',
      RETRIEVER: 'RETRIEVER',
      EMBEDDING: 'EMBEDDING',
      AGENT: 'AGENT',
      RERANKER: 'RERANKER',
      UNKNOWN: 'UNKNOWN',
      GUARDRAIL: 'GUARDRAIL',
      EVALUATOR: 'EVALUATOR',
    },
  },
  inputs: ['input.value'],
  outputs: ['output.value'],
  tokens: {
    input: ['llm.token_count.prompt'],
    output: ['llm.token_count.completion'],
    total: ['llm.token_count.total'],
    cacheRead: ['llm.token_count.prompt_details.cache_read'],
    cacheCreation: ['llm.token_count.prompt_details.cache_write'],
  },
  model: ['llm.response.model_name', 'llm.model_name', 'llm.request.model_name', 'embedding.model_name'],
  provider: ['llm.provider'],
};

/** https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/ */
const genAi: Convention = {
  kind: {
    keys: ['gen_ai.operation.name'],
    types: {
      chat: 'CHAT_MODEL',
      create_agent: 'AGENT',
      embeddings: 'EMBEDDING',
      execute_tool: 'TOOL',
      generate_content: 'LLM',
      invoke_agent: 'AGENT',
      text_completion: 'LLM',
      response: 'LLM',
    },
  },
  inputs: ['gen_ai.input.messages', 'gen_ai.tool.call.arguments'],
  outputs: ['gen_ai.output.messages', 'gen_ai.tool.call.result'],
  tokens: genAiTokens,
  model: genAiModel,
  provider: ['gen_ai.provider.name'],
  tools: ['gen_ai.tool.definitions'],
};

/** https://github.com/traceloop/openllmetry (`opentelemetry-semantic-conventions-ai`). */
const traceloop: Convention = {
  kind: {
    keys: ['traceloop.span.kind'],
    types: { workflow: 'WORKFLOW', task: 'TASK', agent: 'AGENT', tool: 'TOOL', unknown: 'UNKNOWN' },
  },
  inputs: [
    'traceloop.entity.input',
    /^gen_ai\.prompt\.\d+\.content/,
    /^gen_ai\.completion\.\d+\.tool_calls\.\d+\.arguments/,
  ],
  outputs: ['traceloop.entity.output', /^gen_ai\.completion\.\d+\.content/],
  tokens: {
    input: ['gen_ai.usage.prompt_tokens'],
    output: ['gen_ai.usage.completion_tokens'],
    total: ['llm.usage.total_tokens'],
  },
  provider: ['gen_ai.system'],
};

/** https://github.com/google/adk-python (`telemetry/tracing.py`). */
const googleAdk: Convention = {
  inputs: ['gcp.vertex.agent.llm_request', 'gcp.vertex.agent.tool_call_args'],
  outputs: ['gcp.vertex.agent.llm_response', 'gcp.vertex.agent.tool_response'],
};

/** https://ai-sdk.dev/docs/ai-sdk-core/telemetry */
const vercelAi: Convention = {
  kind: {
    keys: ['ai.operationId'],
    types: {
      'ai.generateText': 'LLM',
      'ai.generateText.doGenerate': 'LLM',
      'ai.toolCall': 'TOOL',
      'ai.streamText': 'LLM',
      'ai.streamText.doStream': 'LLM',
      'ai.generateObject': 'LLM',
      'ai.generateObject.doGenerate': 'LLM',
      'ai.streamObject': 'LLM',
      'ai.streamObject.doStream': 'LLM',
      'ai.embed': 'EMBEDDING',
      'ai.embed.doEmbed': 'EMBEDDING',
      'ai.embedMany': 'EMBEDDING',
    },
  },
  inputs: ['ai.prompt', 'ai.toolCall.args', 'ai.value', 'ai.values'],
  outputs: ['ai.response.text', 'ai.toolCall.result', 'ai.response.object', 'ai.embedding', 'ai.embeddings'],
};

/** VoltAgent. The type of a step stands in `span.type`; a root has the type of its agent alone. */
const voltAgent: Convention = {
  kind: {
    keys: ['span.type', 'entity.type'],
    types: { agent: 'AGENT', llm: 'LLM', tool: 'TOOL', memory: 'MEMORY' },
  },
  inputs: ['agent.messages', 'llm.messages', 'input'],
  outputs: ['output'],
  tokens: {
    input: ['usage.prompt_tokens', 'llm.usage.prompt_tokens'],
    output: ['usage.completion_tokens', 'llm.usage.completion_tokens'],
    total: ['usage.total_tokens', 'llm.usage.total_tokens'],
  },
  messageFormat: { name: 'voltagent', prefixes: ['voltagent.operation_id', 'voltagent.conversation_id'] },
};

/** https://docs.livekit.io/agents/observability/ */
const liveKit: Convention = {
  inputs: ['lk.user_input', 'lk.user_transcript', 'lk.chat_ctx', 'lk.input_text'],
  outputs: ['lk.response.text', 'lk.response.function_calls'],
  messageFormat: { name: 'livekit', prefixes: ['lk.'] },
};

/** Laminar. */
const laminar: Convention = {
  kind: {
    keys: ['lmnr.span.type'],
    types: {
      LLM: 'LLM',
      TOOL: 'TOOL',
      DEFAULT: 'CHAIN',
      PIPELINE: 'CHAIN',
      EXECUTOR: 'AGENT',
      EVALUATOR: 'EVALUATOR',
      HUMAN_EVALUATOR: 'EVALUATOR',
      EVALUATION: 'EVALUATOR',
      CACHED: 'LLM',
    },
  },
  inputs: ['lmnr.span.input'],
  outputs: ['lmnr.span.output'],
  messageFormat: { name: 'openai', prefixes: ['lmnr.span.type'] },
};

/** Langfuse. */
const langfuse: Convention = {
  kind: {
    keys: ['langfuse.observation.type'],
    types: {
      generation: 'LLM',
      embedding: 'EMBEDDING',
      tool: 'TOOL',
      retriever: 'RETRIEVER',
      agent: 'AGENT',
      chain: 'CHAIN',
      evaluator: 'EVALUATOR',
      guardrail: 'GUARDRAIL',
      span: 'UNKNOWN',
    },
  },
  inputs: ['langfuse.observation.input'],
  outputs: ['langfuse.observation.output'],
};

/** In the order in which MLflow's server asks them (`mlflow/tracing/otel/translation`). */
export const conventions: readonly Convention[] = [
  openInference,
  genAi,
  traceloop,
  googleAdk,
  vercelAi,
  voltAgent,
  liveKit,
  laminar,
  langfuse,
];
