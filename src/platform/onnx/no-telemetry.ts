/**
 * onnxruntime reports what it does to its makers unless this variable is set when its first session is made (Linux,
 * since 1.30). Nothing that runs here is told to anybody. Threads read the process's own variables, so it is set on the
 * main thread, where every session begins.
 */
process.env.ORT_DISABLE_TELEMETRY = '1';
