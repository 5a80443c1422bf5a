// The process that has TensorFlow in it: tfdoctor itself, started once more, so that a TensorFlow that
// crashes, hangs or prints without end ends only this one. It writes to descriptor 3, a line of JSON for
// each:
//
//   {"event":"loaded","version":"2.21.0","seconds":0.41}
//   {"event":"begin","step":"add"}
//   {"event":"end","step":"add","state":"passed","device":"GPU:0","seconds":0.01,"figures":{…},"message":""}
//   {"event":"finished"}
//
// A step that failed has "state":"failed"; with "wrong":true where what was computed is not right, with
// "code" where TensorFlow said why. {"event":"failed","message":…}: it could not be loaded;
// with "opened":true its libraries could, but they lack a function. src/prove/steps.py writes the same.
#pragma once

namespace tfdoctor {

// The hidden first argument that makes tfdoctor this child: `tfdoctor prove-child SETTINGS`, in JSON.
constexpr const char* kProveChild = "prove-child";

// Never returns into what called main(): TensorFlow may have left anything in this process.
int ProveChildMain(int argc, char** argv);

}  // namespace tfdoctor
