internal import Config

extension Grammar where Value == JSONConfiguration {
    static var json: Grammar {
        .section(
            expected:
                "a mapping with names, enums, defaults, unknown_fields, unknown_query_parameters, streams, pretty or untyped_bodies"
        ) { section in
            var json = JSONConfiguration()
            json.names = section.value("names", .choice, default: json.names)
            json.enums = section.value("enums", .choice, default: json.enums)
            json.defaults = section.value("defaults", .choice, default: json.defaults)
            json.unknownFields = section.value("unknown_fields", .choice, default: json.unknownFields)
            json.unknownParameters = section.value("unknown_query_parameters", .choice, default: json.unknownParameters)
            json.streams = section.value("streams", .choice, default: json.streams)
            json.isPretty = section.value("pretty", .boolean, default: json.isPretty)
            json.untypedBodies = section.value("untyped_bodies", .choice, default: json.untypedBodies)
            return json
        }
    }
}
