/// Which Martlet this is: what `--version` prints and `martlet_build_info` says.
package enum Version {
    package static let text = "0.1.0"
}
