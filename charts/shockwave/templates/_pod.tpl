{{/* The pod, for a Deployment and a DaemonSet alike. */}}
{{- define "shockwave.podTemplate" -}}
{{- $c := .Values.controller -}}
{{- include "shockwave.refuseUnsupported" . -}}
metadata:
  {{- with $c.podAnnotations }}
  annotations:
    {{- range $key, $value := . }}
    {{ $key }}: {{ $value | quote }}
    {{- end }}
  {{- end }}
  labels:
    {{- include "shockwave.controller.labels" . | nindent 4 }}
    {{- with $c.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- with $c.dnsConfig }}
  dnsConfig:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  dnsPolicy: {{ $c.dnsPolicy | default "ClusterFirst" }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $c.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  securityContext:
    {{- include "shockwave.podSecurityContext" . | nindent 4 }}
  {{- if $c.shareProcessNamespace }}
  shareProcessNamespace: true
  {{- end }}
  {{- if $c.hostNetwork }}
  hostNetwork: true
  {{- end }}
  serviceAccountName: {{ include "shockwave.serviceAccountName" . }}
  automountServiceAccountToken: {{ .Values.serviceAccount.automountServiceAccountToken }}
  terminationGracePeriodSeconds: {{ $c.terminationGracePeriodSeconds }}
  {{- with $c.extraInitContainers }}
  initContainers:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ $c.containerName | default "controller" }}
      image: {{ include "shockwave.image" . | quote }}
      imagePullPolicy: {{ $c.image.pullPolicy }}
      args:
        {{- include "shockwave.args" . | trim | nindent 8 }}
      env:
        - name: POD_NAME
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
        - name: POD_NAMESPACE
          valueFrom:
            fieldRef:
              fieldPath: metadata.namespace
        - name: NODE_NAME
          valueFrom:
            fieldRef:
              fieldPath: spec.nodeName
        {{- with $c.extraEnvs }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      ports:
        {{- range $name, $port := $c.containerPort }}
        - name: {{ $name }}
          containerPort: {{ $port }}
          protocol: TCP
          {{- if $c.hostPort.enabled }}
          hostPort: {{ get $c.hostPort.ports $name | default $port }}
          {{- end }}
        {{- end }}
        {{- range $protocol := list "tcp" "udp" }}
        {{- range $port, $service := get $.Values $protocol }}
        - name: {{ include "shockwave.streamPort" (list $ $port $protocol) }}
          containerPort: {{ $port }}
          protocol: {{ upper $protocol }}
          {{- if $c.hostPort.enabled }}
          hostPort: {{ $port }}
          {{- end }}
        {{- end }}
        {{- end }}
        - name: {{ $c.metrics.portName | default "metrics" }}
          containerPort: {{ include "shockwave.adminPort" . }}
          protocol: TCP
      livenessProbe:
        httpGet:
          path: /healthz
          port: {{ include "shockwave.adminPort" . }}
        {{- toYaml (omit $c.livenessProbe "httpGet") | nindent 8 }}
      readinessProbe:
        httpGet:
          path: /readyz
          port: {{ include "shockwave.adminPort" . }}
        {{- toYaml (omit $c.readinessProbe "httpGet") | nindent 8 }}
      {{- /* ingress-nginx's own hook names a program that this image does not have. */}}
      {{- if and $c.lifecycle (ne (dig "preStop" "exec" "command" (list "") $c.lifecycle | first) "/wait-shutdown") }}
      lifecycle:
        {{- toYaml $c.lifecycle | nindent 8 }}
      {{- end }}
      {{- with $c.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        {{- include "shockwave.containerSecurityContext" . | nindent 8 }}
      {{- if or (include "shockwave.ownTmp" .) $c.extraVolumeMounts }}
      volumeMounts:
        {{- if include "shockwave.ownTmp" . }}
        - name: bodies
          mountPath: /tmp
        {{- end }}
        {{- with $c.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
    {{- with $c.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $c.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $c.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $c.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $c.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if or (include "shockwave.ownTmp" .) $c.extraVolumes }}
  volumes:
    {{- if include "shockwave.ownTmp" . }}
    - name: bodies
      emptyDir: {}
    {{- end }}
    {{- with $c.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
{{- end -}}

{{/* Bodies that are collected go to files in /tmp, unless something is mounted there already. */}}
{{- define "shockwave.ownTmp" -}}
{{- $own := "yes" -}}
{{- range .Values.controller.extraVolumeMounts -}}
{{- if eq (trimSuffix "/" .mountPath) "/tmp" -}}{{- $own = "" -}}{{- end -}}
{{- end -}}
{{- $own -}}
{{- end -}}

{{/* Pods that hold ports of the node cannot stand side by side. */}}
{{- define "shockwave.updateStrategy" -}}
{{- $c := .Values.controller -}}
{{- if $c.updateStrategy -}}
{{- toYaml $c.updateStrategy -}}
{{- else if or $c.hostNetwork $c.hostPort.enabled -}}
type: RollingUpdate
rollingUpdate:
  maxSurge: 0
  maxUnavailable: 1
{{- else -}}
type: RollingUpdate
rollingUpdate:
  maxSurge: 1
  maxUnavailable: 0
{{- end -}}
{{- end -}}
