// AWS's component for the web on a page: what it is told stands in the address behind #, what it tells in window.told.
import { createElement } from "react";
import { createRoot } from "react-dom/client";
import { FaceLivenessDetectorCore } from "@aws-amplify/ui-react-liveness";

const given = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
const { accessKeyId, secretAccessKey, endpointOverride, sessionId } = given;
window.told = "";
createRoot(document.getElementById("root")).render(createElement(FaceLivenessDetectorCore, {
  sessionId,
  region: "us-east-1",
  disableStartScreen: true,
  onAnalysisComplete: async () => { window.told = "complete"; },
  onError: ({ state, error }) => { window.told = `${state}: ${error?.message ?? error}`; },
  config: {
    credentialProvider: async () => ({ accessKeyId, secretAccessKey }),
    endpointOverride,
    faceModelUrl: `${location.origin}/model.json`,
    binaryPath: `${location.origin}/`,
  },
}));
