internal import Bytes
internal import Crypto

/// The page to try calls from: one piece, with the document in it and nothing from elsewhere.
package struct TryPage: Sendable {
    package let bytes: [UInt8]
    /// What its browser may do: run this script, and call where it came from.
    package static let policy: [UInt8] = {
        let digest = Array(script.utf8).withUnsafeBytes { DigestAlgorithm.sha256.hash($0) }
        var text = ByteBuffer()
        text.append("default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; ")
        text.append("frame-ancestors 'none'; script-src 'sha256-")
        digest.withUnsafeBytes { Base64.encode($0, into: &text) }
        text.append("'")
        return Array(text.readable)
    }()

    package init(document: [UInt8]) {
        var bytes = Array((Self.head + #"<script type="application/json" id="api">"#).utf8)
        // Within JSON it can only be in a text, where it can be written so: nothing in a schema ends the element.
        for byte in document {
            if byte == UInt8(ascii: "<") { bytes += Array(#"\u003c"#.utf8) } else { bytes.append(byte) }
        }
        bytes += Array("</script>\n<script>\(Self.script)</script>\n</body>\n</html>\n".utf8)
        self.bytes = bytes
    }

    private static let head = """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>API</title>
        <style>
        :root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }
        body { margin: 0 auto; max-width: 60rem; padding: 1rem; }
        h2 { font-size: 1.1rem; margin: 1.6rem 0 .4rem; }
        details { border: 1px solid #8886; border-radius: .4rem; margin: .35rem 0; padding: .3rem .6rem; }
        summary { cursor: pointer; overflow-wrap: anywhere; }
        summary b { display: inline-block; min-width: 4.2em; }
        label { display: grid; gap: .5rem; grid-template-columns: minmax(8rem, 14rem) 1fr; margin: .3rem 0; }
        input, textarea, select, button { font: inherit; font-family: ui-monospace, monospace; }
        textarea { min-height: 8rem; width: 100%; box-sizing: border-box; }
        pre { background: #8882; border-radius: .3rem; overflow: auto; max-height: 26rem; padding: .5rem; white-space: pre-wrap; }
        small { opacity: .75; }
        </style>
        </head>
        <body>
        <h1 id="title"></h1>
        <p id="token"></p>
        <div id="calls"></div>

        """

    private static let script = #"""

        "use strict";
        const api = JSON.parse(document.getElementById("api").textContent);
        const make = (name, properties = {}, ...children) => {
          const element = Object.assign(document.createElement(name), properties);
          element.append(...children);
          return element;
        };
        const schemaOf = schema => schema.$ref ? api.components.schemas[schema.$ref.split("/").pop()] || {} : schema;
        const example = (schema, depth = 0) => {
          schema = schemaOf(schema);
          if (schema.anyOf) return example(schema.anyOf[0], depth);
          if (schema.enum) return schema.enum[0];
          switch (schema.type) {
            case "object":
              return depth > 1 ? {} : Object.fromEntries(
                Object.entries(schema.properties || {}).map(([name, inner]) => [name, example(inner, depth + 1)]));
            case "array": return depth > 1 ? [] : [example(schema.items, depth + 1)];
            case "string": return schema.format === "int64" || schema.format === "uint64" ? "0" : "";
            case "integer": case "number": return 0;
            case "boolean": return false;
            default: return null;
          }
        };
        document.title = document.getElementById("title").textContent = api.info.title;
        const token = make("input", { type: "password", autocomplete: "off", size: 40 });
        if ((api.components.securitySchemes || {}).token) {
          document.getElementById("token").append(make("label", {}, "Bearer token", token));
        }
        const field = (parameter, label) => {
          const input = make("input", { placeholder: (schemaOf(parameter.schema).type || "") + "" });
          return [input, make("label", { title: parameter.description || "" }, label, input)];
        };
        const call = (path, verb, operation) => {
          const inside = make("form");
          const inputs = (operation.parameters || []).map(parameter => {
            const [input, label] = field(parameter, parameter.name + (parameter.in === "path" ? " (path)" : ""));
            inside.append(label);
            return [parameter, input];
          });
          const content = (operation.requestBody || {}).content;
          let kind, body;
          if (content) {
            kind = make("select", {}, ...Object.keys(content).map(type => make("option", {}, type)));
            body = make("textarea", { spellcheck: false });
            const fill = () => {
              const schema = content[kind.value].schema;
              body.value = schema ? JSON.stringify(example(schema), null, kind.value.endsWith("ndjson") ? 0 : 2) : "";
            };
            kind.onchange = fill;
            fill();
            inside.append(make("label", {}, "body", kind), body);
          }
          const answers = Object.keys(operation.responses["200"].content);
          const accept = make("select", {}, ...answers.map(type => make("option", {}, type)));
          if (answers.length > 1) inside.append(make("label", {}, "answer", accept));
          const terms = [...(operation["x-limits"] || []), ...(operation["x-timeout"] ? ["within " + operation["x-timeout"]] : [])];
          if (terms.length) inside.append(make("p", {}, make("small", {}, terms.join(" · "))));
          const answer = make("pre", { hidden: true });
          inside.append(make("button", { textContent: "Call" }), answer);
          inside.onsubmit = async event => {
            event.preventDefault();
            let target = path;
            const query = new URLSearchParams();
            for (const [parameter, input] of inputs) {
              if (parameter.in === "path") {
                const text = parameter["x-takes-slashes"]
                  ? input.value.split("/").map(encodeURIComponent).join("/") : encodeURIComponent(input.value);
                target = target.replace("{" + parameter.name + "}", () => text);
              } else if (input.value !== "") {
                const values = schemaOf(parameter.schema).type === "array" ? input.value.split(",") : [input.value];
                for (const value of values) query.append(parameter.name, value);
              }
            }
            const headers = { accept: accept.value };
            if (token.value) headers.authorization = "Bearer " + token.value;
            if (body) headers["content-type"] = kind.value === "*/*" ? "application/octet-stream" : kind.value;
            answer.hidden = false;
            answer.textContent = "…";
            try {
              const reply = await fetch(target + (query.size ? "?" + query : ""),
                { method: verb.toUpperCase(), headers, body: body ? body.value : undefined });
              answer.textContent = reply.status + "\n" + [...reply.headers].map(([name, value]) => name + ": " + value).join("\n") + "\n\n";
              const text = new TextDecoder();
              const reader = reply.body.getReader();
              for (let part = await reader.read(); !part.done; part = await reader.read()) {
                answer.append(text.decode(part.value, { stream: true }));
              }
            } catch (error) {
              answer.append(String(error));
            }
          };
          return make("details", { id: operation.operationId }, make("summary", {},
            make("b", { textContent: verb.toUpperCase() }), " " + path + " ", make("small", { textContent: operation.summary })), inside);
        };
        const calls = document.getElementById("calls");
        for (const { name } of api.tags) {
          calls.append(make("h2", { textContent: name }));
          for (const [path, item] of Object.entries(api.paths)) {
            for (const [verb, operation] of Object.entries(item)) {
              if (operation.tags[0] === name) calls.append(call(path, verb, operation));
            }
          }
        }

        """#
}
