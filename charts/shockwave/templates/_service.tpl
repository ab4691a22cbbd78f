{{/*
The spec of a Service for traffic. Takes a dict of root and service, where
service are the values of this very Service over those of the external one.
*/}}
{{- define "shockwave.serviceSpec" -}}
{{- $s := .service -}}
{{- $type := $s.type | default "LoadBalancer" -}}
{{- $nodePorts := and (has $type (list "NodePort" "LoadBalancer")) $s.nodePorts -}}
type: {{ $type }}
{{- with $s.clusterIP }}
clusterIP: {{ . }}
{{- end }}
{{- with $s.externalIPs }}
externalIPs:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $s.loadBalancerIP }}
loadBalancerIP: {{ . }}
{{- end }}
{{- with $s.loadBalancerClass }}
loadBalancerClass: {{ . }}
{{- end }}
{{- with $s.loadBalancerSourceRanges }}
loadBalancerSourceRanges:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $s.externalTrafficPolicy }}
externalTrafficPolicy: {{ . }}
{{- end }}
{{- with $s.sessionAffinity }}
sessionAffinity: {{ . }}
{{- end }}
{{- with $s.healthCheckNodePort }}
healthCheckNodePort: {{ . }}
{{- end }}
{{- with $s.ipFamilyPolicy }}
ipFamilyPolicy: {{ . }}
{{- end }}
{{- with $s.ipFamilies }}
ipFamilies:
  {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  {{- range $name, $enabled := dict "http" $s.enableHttp "https" $s.enableHttps }}
  {{- if $enabled }}
  - name: {{ $name }}
    port: {{ get $s.ports $name }}
    protocol: TCP
    targetPort: {{ get $s.targetPorts $name }}
    {{- if $s.appProtocol }}
    appProtocol: {{ $name }}
    {{- end }}
    {{- with $nodePorts }}
    {{- with get . $name }}
    nodePort: {{ . }}
    {{- end }}
    {{- end }}
  {{- end }}
  {{- end }}
  {{- $root := .root }}
  {{- range $protocol := list "tcp" "udp" }}
  {{- range $port, $service := get $root.Values $protocol }}
  - name: {{ include "shockwave.streamPort" (list $root $port $protocol) }}
    port: {{ $port }}
    protocol: {{ upper $protocol }}
    targetPort: {{ include "shockwave.streamPort" (list $root $port $protocol) }}
    {{- with $nodePorts }}
    {{- with get (get . $protocol | default dict) $port }}
    nodePort: {{ . }}
    {{- end }}
    {{- end }}
  {{- end }}
  {{- end }}
selector:
  {{- include "shockwave.selectorLabels" .root | nindent 2 }}
  app.kubernetes.io/component: controller
{{- end -}}
