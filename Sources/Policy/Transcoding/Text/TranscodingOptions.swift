/// What is read leniently, what is written besides, and how much at most.
package struct TranscodingOptions: Hashable, Sendable {
    /// Members of JSON that have no field are passed over instead of refused.
    package var ignoresUnknown = false
    /// The same of query parameters.
    package var ignoresUnknownParameters = false
    /// Fields that cannot tell whether they were given are written also where they have their default.
    package var printsDefaults = false
    /// Enums are written as numbers.
    package var printsEnumsAsNumbers = false
    /// Fields are named as in the proto file instead of in lowerCamelCase.
    package var keepsProtoNames = false
    /// How a stream is answered whose caller accepts any of the forms.
    package var streamForm = ResponseForm.array
    /// Single answers and arrays have line breaks and indentation.
    package var isPretty = false
    /// A body without a content type is read as JSON, instead of being refused.
    package var readsUntypedBodies = false
    /// A message, as JSON or as protobuf.
    package var messageBytesMax = 4 << 20
    /// Messages inside each other, the outermost and those that JSON does not show among them: what parsers of protobuf take.
    package var depthMax = 100

    package init() {}
}
